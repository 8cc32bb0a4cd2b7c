package argvconn

import (
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"rbee/deploy/remote"
	"rbee/internal/proc"
)

// session is one run of the program.
type session struct {
	*proc.Stream
	p     *proc.Process
	gone  func(*session)
	close sync.Once
}

func newSession(p *proc.Process, gone func(*session)) *session {
	return &session{Stream: p.Stream(), p: p, gone: gone}
}

// Stderr is that of the program, and mostly the command's too. It must be read, or the program may block.
func (s *session) Stderr() io.Reader { return s.p.Stderr() }

// Close kills the process group and closes the streams. It waits for nothing.
func (s *session) Close() error {
	s.close.Do(func() {
		s.gone(s)
		s.p.Signal(syscall.SIGKILL)
		s.Stream.Close()
		s.p.Stderr().Close()
	})
	return nil
}

// Signal signals the program here, with its group; whether it passes that on to the far side is its own affair.
func (s *session) Signal(sig syscall.Signal) error {
	select {
	case <-s.p.Exited():
		return errors.New("the command has ended")
	default:
	}
	s.p.Signal(sig)
	return nil
}

func (s *session) Done() <-chan struct{} { return s.p.Exited() }

// Exit is the program's: those named in the package's doc pass on the status of the command.
func (s *session) Exit() remote.Exit {
	state := s.p.Wait()
	if state == nil {
		return remote.Exit{Err: errors.New("the kernel did not say how it ended")}
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return remote.Exit{Known: true, Signal: strings.TrimPrefix(unix.SignalName(ws.Signal()), "SIG")}
	}
	return remote.Exit{Known: true, Code: state.ExitCode()}
}
