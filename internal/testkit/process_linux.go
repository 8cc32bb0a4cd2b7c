package testkit

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Processes lists the living processes that carry a run id and satisfy match, by pid. Zombies are not alive, and
// processes whose environment may not be read (those of other users) are not seen.
func Processes(match func(Process) bool) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := read(pid); ok && match(p) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return found, nil
}

// read describes pid if it is alive and carries a run id. A process may end at any line here; then it is not alive.
func read(pid int) (Process, bool) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	env, err := os.ReadFile(dir + "environ") // empty for a zombie
	if err != nil {
		return Process{}, false
	}
	p := Process{PID: pid}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		name, value, _ := strings.Cut(string(v), "=")
		switch name {
		case "RBEE_RUN_ID":
			p.Run = value
		case "RBEE_LIFE":
			p.Life = value
		case "TMPDIR":
			p.TempDir = value
		}
	}
	if p.Run == "" {
		return Process{}, false
	}
	state, start, ok := status(pid)
	if !ok || state == 'Z' || state == 'X' {
		return Process{}, false
	}
	p.Start = start
	command, _ := os.ReadFile(dir + "cmdline")
	p.Command = strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
	return p, true
}

// status returns fields 3 and 22 of /proc/<pid>/stat (proc(5)), counted behind the command name, which may itself
// hold blanks and parentheses.
func status(pid int) (state byte, start uint64, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 20 {
		return 0, 0, false
	}
	start, err = strconv.ParseUint(f[19], 10, 64)
	return f[0][0], start, err == nil
}

// WaitGone waits until no process that carries a run id satisfies match, limit at most, and returns the ones that
// are left then. It sleeps in the kernel until a process ends; what those started meanwhile is waited for as well.
func WaitGone(limit time.Duration, match func(Process) bool) ([]Process, error) {
	deadline := time.Now().Add(limit)
	for {
		alive, err := Processes(match)
		if err != nil || len(alive) == 0 {
			return nil, err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return alive, nil
		}
		if err := waitExit(alive[0], left); err != nil {
			return alive, err
		}
	}
}

// waitExit waits until p ends, or limit is over.
func waitExit(p Process, limit time.Duration) error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot watch pid %d: %w", p.PID, err)
	}
	defer unix.Close(fd)
	if _, start, ok := status(p.PID); !ok || start != p.Start {
		return nil // the pid was somebody else's already when the descriptor was made
	}
	// Rounded up, so that the last wait does not become a busy one.
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(limit.Milliseconds())+1)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("cannot watch pid %d: %w", p.PID, err)
	}
	return nil
}

// Now returns the kernel's clock in the unit of Process.Start, as the start of a process born now would be.
func Now() (uint64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0, err
	}
	const ticks = 100 // USER_HZ, the same on every Linux that Go runs on
	return uint64(t.Nano()) / (uint64(time.Second) / ticks), nil
}
