package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rbee/internal/proc"
)

// BenchmarkTokens is the wall time of a 2,000-token answer through the tree of a warm daemon, less that of the
// engine's own Generate with the same slots and context, warmed by one answer too, per token; alternated. Goal: 20 us
// at most.
//
// Where it goes, per token: around-us is before the worker begins and after its last token (request down, end of the
// answer up); decode-us is how much longer the engine itself takes for the same tokens inside the worker. That is
// competition, so what competes is listed: the processor time, on all cores, of the client (this process: SSE decoding),
// the queen (stream actor, SSE encoding), the hive (the hop between two links), and the worker beyond what the
// engine alone needs (outbox, gRPC).
func BenchmarkTokens(b *testing.B) {
	const tokens = 2000
	d := startDaemon(b, "--slots", "1")
	request(b, d, 4096, 8)
	pids := map[string]int{"queen": d.cmd.Process.Pid, "client": os.Getpid()}
	for _, f := range proc.Find(func(f proc.Found) bool { return f.Run == d.run }) {
		switch filepath.Base(f.Command) {
		case "rbee-hive":
			pids["hive"] = f.PID
		case "llm-worker-rbee":
			pids["worker"] = f.PID
		}
	}
	for b.Loop() {
		all := samples{}
		for range *runs {
			g := runAlone(b, tokens)
			all.add("alone", g.generate)
			all.add("alone-decode", g.decode)
			all.add("alone-cpu", g.cpu)
			before := map[string]time.Duration{}
			for name, pid := range pids {
				before[name] = cpu(b, pid)
			}
			began := time.Now()
			t, err := d.ask("localhost", 4096, tokens)
			if err != nil {
				b.Fatal(err)
			}
			took := time.Since(began)
			for name, pid := range pids {
				all.add(name+"-cpu", cpu(b, pid)-before[name])
			}
			all.add("tree", took)
			all.add("tree-decode", time.Duration(t.DecodeMS*1e6))
			all.add("around", took-time.Duration((t.DecodeMS+t.PrefillMS)*1e6))
		}
		us := func(name string) float64 { return all.ms(name) * 1000 / tokens }
		for _, name := range []string{"tree", "alone", "around", "client-cpu", "queen-cpu", "hive-cpu"} {
			b.ReportMetric(us(name), name+"-us/token")
		}
		b.ReportMetric(us("worker-cpu")-us("alone-cpu"), "worker-cpu-us/token")
		b.ReportMetric(us("tree-decode")-us("alone-decode"), "decode-us/token")
		added := us("tree") - us("alone")
		b.ReportMetric(added, "added-us/token")
		atMost(b, "2,000 tokens through the tree, less the engine alone, per token", "us", 20, added)
	}
	b.ReportMetric(0, "ns/op")
}

// cpu is the processor time of all threads of a process so far, to the nanosecond (schedstat; proc(5) has ticks only).
func cpu(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, t := range tasks {
		text, err := os.ReadFile(t)
		if err != nil {
			continue // it has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatalf("%s: %q", t, text)
		}
		sum += time.Duration(n)
	}
	return sum
}
