package enginetest

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"rbee/internal/fault"
)

// meet does the harm that the script has for a point, if any.
func (s Script) meet(p Point) error {
	h, ok := s.Harm[p]
	if !ok || !s.first() {
		return nil
	}
	switch h {
	case Hang:
		for { // deaf: what makes native code cruel is that nothing in this process can end it
			time.Sleep(time.Hour) // not select {}: Go ends a process in which all goroutines do that
		}
	case Exit:
		os.Exit(ExitCode)
	case Crash:
		die(syscall.SIGSEGV)
	case Abort:
		die(syscall.SIGABRT)
	case Garbage:
		fmt.Println("ggml_fake: this line is on standard output, where no library should write \x00\xff")
	case Fail:
		code := s.Code
		if code == "" {
			code = fault.Internal
		}
		return fault.New(code, "the fake engine fails at %s, as told", p.Stage).WithHint("change its script")
	}
	return nil
}

// first says whether this process is the one to be harmed.
func (s Script) first() bool {
	if s.OnlyOnce == "" {
		return true
	}
	f, err := os.OpenFile(s.OnlyOnce, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// die ends this process by a signal, so that its parent sees a death by signal. Go's runtime catches the signals that
// native code dies of and turns them into exit status 2; so the process first becomes a shell, same pid, in which
// they have their default action again.
func die(sig syscall.Signal) {
	script := fmt.Sprintf("ulimit -c 0; kill -%d $$", int(sig))
	err := syscall.Exec("/bin/sh", []string{"sh", "-c", script}, os.Environ())
	panic(fmt.Sprintf("fake engine cannot die: %v", err))
}
