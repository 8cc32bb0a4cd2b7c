package ui

import (
	"fmt"
	"os"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// Summary narrates what an answer cost.
func (n *Narrator) Summary(d *api.Done) {
	t := d.Timings
	text := fmt.Sprintf("%s, first after %s", count(d.Usage.CompletionTokens, "token"), millis(t.TTFTMS))
	if t.TokensPerSecond > 0 {
		text += fmt.Sprintf(", %.0f tok/s", t.TokensPerSecond)
	}
	n.Keeper("done", "%s, seed %d, ended by %s", text, d.Seed, d.FinishReason)
}

// Receipt narrates what became of the processes of the run, each by itself where it did not go well. What may
// still be there is an error.
func (n *Narrator) Receipt(r api.Receipt) {
	for _, p := range r.Processes {
		if p.Forced && !p.Unproven {
			n.Keeper("warn", "forced: %s, pid %d on %s: %s", p.Name, p.PID, p.Host, p.Cause)
		}
	}
	if !r.Clean {
		for _, p := range r.Unproven() {
			n.Fail(unproven(p), p.Host)
		}
		return
	}
	if len(r.Processes) > 0 {
		n.Keeper("exit", "clean: %s stopped in %s, %d forced", count(int64(len(r.Processes)), "process"), millis(r.TookMS), r.Forced)
	}
}

// unproven is the error of a process that may still be there. One on another machine is that machine's to end.
func unproven(p api.Process) *fault.Error {
	const text = "%s, pid %d, could not be proven gone: %s"
	if own, err := os.Hostname(); err != nil || p.Host != own {
		return fault.New(fault.NodeLost, text, p.Name, p.PID, p.Cause).
			WithHint("it ends by itself when its lease is over; once the machine answers again, rbee node check NAME looks at it")
	}
	return fault.New(fault.Internal, text, p.Name, p.PID, p.Cause).WithHint("rbee doctor lists what is left, rbee doctor --fix ends it")
}

func count(n int64, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "process":
		return fmt.Sprintf("%d processes", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// millis is a duration for people: "412 ms", "3.2 s".
func millis(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", ms)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
