package sshconn

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/crypto/ssh"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

const (
	streamRoom = 256 << 10 // bytes queued here, each way, beside the 2 MiB window of the channel
	stderrRoom = 64 << 10
)

// Session is one command, on a channel of its own.
type Session struct {
	conn *Conn
	ch   ssh.Channel

	in, out *pipe // its stdin and stdout
	errs    *stderr

	parted atomic.Int32

	fed   chan struct{} // all that will ever be written is
	close sync.Once

	end  sync.Once
	done chan struct{}
	exit remote.Exit // before done
}

var _ remote.Session = (*Session)(nil)

// open asks for a channel and for the command in it. It waits for the far side.
func open(c *Conn, words []string) (*Session, error) {
	ch, reqs, err := c.clients[len(c.clients)-1].OpenChannel("session", nil)
	if err != nil {
		return nil, c.refused(err)
	}
	s := &Session{conn: c, ch: ch, in: newPipe(streamRoom), out: newPipe(streamRoom), errs: newStderr(),
		fed: make(chan struct{}), done: make(chan struct{})}
	c.keep(s)
	go s.requests(reqs)
	go s.feed()
	go s.drain(s.out, ch)
	go s.drain(s.errs, ch.Stderr())
	command := ssh.Marshal(struct{ Command string }{commandLine(words)})
	if ok, err := ch.SendRequest("exec", true, command); err != nil || !ok {
		s.Close()
		if err == nil {
			return nil, fault.New(fault.SSHUnreachable, "%s refused to run a command", c.target).
				WithHint("its sshd allows no exec for this key or user")
		}
		return nil, c.refused(err)
	}
	return s, nil
}

// commandLine is what a login shell gets: words that need no quotes, behind an exec, so that the shell makes way.
func commandLine(words []string) string { return "exec " + strings.Join(words, " ") }

func (s *Session) finish(exit remote.Exit) {
	s.end.Do(func() {
		s.exit = exit
		close(s.done)
	})
}

// Read reads the command's stdout.
func (s *Session) Read(b []byte) (int, error) { return s.out.Read(b) }

// Write writes to the command's stdin. What is written is on its way, like in a pipe, not yet read.
func (s *Session) Write(b []byte) (int, error) { return s.in.Write(b) }

// CloseWrite ends the command's stdin behind all that was written.
func (s *Session) CloseWrite() error {
	s.in.End(io.EOF)
	return nil
}

// Close gives the session up: reads and writes return at once, whatever the far side does, and Done is closed. What
// was written before still goes out if it can; then the channel is closed, and a command that reads its stdin sees
// the end of it.
func (s *Session) Close() error {
	s.close.Do(func() {
		s.abandon()
		s.in.End(errClosed)
		s.finish(remote.Exit{Err: errClosed})
		go func() {
			<-s.fed
			_ = s.ch.Close()
		}()
	})
	return nil
}

// abandon frees whoever reads.
func (s *Session) abandon() {
	s.out.Abandon(errClosed)
	s.errs.abandon()
}

// Stderr is the command's stderr. What is not read is dropped beyond 64 KiB, and the reader is told; so a command
// that floods it holds up nothing.
func (s *Session) Stderr() io.Reader { return s.errs }

// signals are the names of RFC 4254.
var signals = map[syscall.Signal]string{
	syscall.SIGABRT: "ABRT", syscall.SIGALRM: "ALRM", syscall.SIGFPE: "FPE", syscall.SIGHUP: "HUP", syscall.SIGILL: "ILL",
	syscall.SIGINT: "INT", syscall.SIGKILL: "KILL", syscall.SIGPIPE: "PIPE", syscall.SIGQUIT: "QUIT", syscall.SIGSEGV: "SEGV",
	syscall.SIGTERM: "TERM", syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2",
}

// Signal asks the server to signal the command. It does not wait, and the server may refuse without a word: OpenSSH
// (session.c) does for root, for a forced command, and for signals other than ABRT, ALRM, FPE, HUP, ILL, INT, KILL,
// PIPE, QUIT, SEGV, TERM, USR1 and USR2.
func (s *Session) Signal(sig syscall.Signal) error {
	name, ok := signals[sig]
	if !ok {
		return fmt.Errorf("SSH has no name for the signal %v", sig)
	}
	select {
	case <-s.done:
		return errors.New("the command has ended")
	default:
	}
	go s.ch.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{name}))
	return nil
}

// Done is closed when the exit status arrived, or never will.
func (s *Session) Done() <-chan struct{} { return s.done }

// Exit says how the command ended, after Done.
func (s *Session) Exit() remote.Exit {
	<-s.done
	return s.exit
}
