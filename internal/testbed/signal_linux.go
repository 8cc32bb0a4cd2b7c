package testbed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Kill sends SIGKILL to the living processes that match, waits until they are dead, and returns them. None is an
// error: a test that kills nothing shows nothing.
func (h *Host) Kill(match Match) ([]Process, error) {
	found, err := h.some(match)
	for _, p := range found {
		err = errors.Join(err, end(p.PID))
	}
	return found, err
}

// Freeze stops the processes that match with SIGSTOP and waits until they stand. Freeze(Any) freezes all of the
// host's processes; its kernel, which it has from us, still answers on the wire.
func (h *Host) Freeze(match Match) ([]Process, error) { return h.signal(match, unix.SIGSTOP, true) }

// Thaw lets them go on.
func (h *Host) Thaw(match Match) ([]Process, error) { return h.signal(match, unix.SIGCONT, false) }

// WaitGone waits until no living process of the host matches, limit at most, and returns those that are left then.
// It sleeps in the kernel until one ends; what those started meanwhile is waited for as well.
func (h *Host) WaitGone(limit time.Duration, match Match) ([]Process, error) {
	for deadline := time.Now().Add(limit); ; {
		left, err := h.Find(match)
		if err != nil || len(left) == 0 || time.Now().After(deadline) {
			return left, err
		}
		if _, err := awaitEnd(left[0], deadline); err != nil {
			return left, err
		}
	}
}

func (h *Host) some(match Match) ([]Process, error) {
	found, err := h.Find(match)
	if err == nil && len(found) == 0 {
		all, _ := h.Processes()
		err = fmt.Errorf("host %s: no such process among %v", h.Name, all)
	}
	return found, err
}

func (h *Host) signal(match Match, sig unix.Signal, stopped bool) ([]Process, error) {
	found, err := h.some(match)
	for _, p := range found {
		if e := unix.Kill(p.PID, sig); e != nil && e != unix.ESRCH {
			err = errors.Join(err, e)
		}
	}
	// Nobody but a parent or a debugger is told of a stop, so this has to look.
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for began := time.Now(); err == nil && stopped; <-look.C {
		if !slices.ContainsFunc(found, func(p Process) bool {
			now, ok := readProcess(p.PID)
			return ok && now.start == p.start && !strings.ContainsRune("TtZX", rune(now.State))
		}) {
			break
		}
		if time.Since(began) > patience {
			err = fmt.Errorf("host %s: not stopped after %v: %v", h.Name, patience, found)
		}
	}
	return found, err
}

// end kills pid and waits for its end, by the kernel's word.
func end(pid int) error {
	p, ok := readProcess(pid)
	if !ok {
		return nil
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil && err != unix.ESRCH {
		return err
	}
	gone, err := awaitEnd(p, time.Now().Add(patience))
	if err == nil && !gone {
		err = fmt.Errorf("%v lives %v after SIGKILL", p, patience)
	}
	return err
}

// awaitEnd waits until a process has ended and reports whether it has.
func awaitEnd(p Process, deadline time.Time) (gone bool, err error) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err == unix.ESRCH {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	if now, ok := readProcess(p.PID); !ok || now.start != p.start {
		return true, nil // the pid was somebody else's already when the descriptor was made
	}
	for {
		// Rounded up, so that the last wait does not become a busy one.
		left := max(0, int(time.Until(deadline).Milliseconds())+1)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, left)
		if err != unix.EINTR {
			return n > 0, err
		}
	}
}
