package sshconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"rbee/internal/fault"
	"rbee/internal/proc"
)

const killSignal = syscall.SIGKILL

// clean makes what a far side said fit for a message.
func clean(s string) string {
	s = strings.TrimSpace(proc.Clean(s))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

var (
	errSlow   = errors.New("no answer in time")
	errClosed = errors.New("the connection was closed here")
)

// failed is one failed attempt.
type failed struct {
	hop Target
	err error // a *fault.Error is final; another is classified by what it is
}

func (f *failed) Error() string { return f.err.Error() }
func (f *failed) Unwrap() error { return f.err }

// again says whether another attempt may fare better: only when nobody answered, or hung up before saying anything
// that was wrong.
func (f *failed) again() bool {
	var known *fault.Error
	if errors.As(f.err, &known) {
		return false
	}
	var (
		netw net.Error
		no   *ssh.OpenChannelError
	)
	switch {
	case noSuchName(f.err):
		return false
	case errors.As(f.err, &no):
		return no.Reason == ssh.ConnectionFailed
	}
	return errors.Is(f.err, errSlow) || errors.As(f.err, &netw) || hungUp(f.err)
}

// noSuchName: the resolver answered, and there is no address of that name, or none of the wanted family.
func noSuchName(err error) bool {
	var (
		dns  *net.DNSError
		none *net.AddrError
	)
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &none)
}

func hungUp(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fault is the error that the user sees.
func (f *failed) fault(t Target, attempts int) *fault.Error {
	where := t.Name
	if f.hop.Name != t.Name {
		where = fmt.Sprintf("%s: its jump host %s", t.Name, f.hop.Name)
	}
	var known *fault.Error
	if errors.As(f.err, &known) {
		if f.hop.Name != t.Name {
			copied := *known
			known = &copied
			known.Message = where + ": " + known.Message
		}
		return known.With("node", t.Name).With("hop", f.hop.Name)
	}
	var (
		dns  *net.DNSError
		no   *ssh.OpenChannelError
		algo *ssh.AlgorithmNegotiationError
	)
	tries := fmt.Sprintf("%d attempts", attempts)
	if attempts == 1 {
		tries = "1 attempt"
	}
	out := fault.Wrap(fault.SSHUnreachable, f.err, "cannot reach %s (%s), %s: %s", where, f.hop.Addr(), tries, clean(f.err.Error()))
	switch {
	case errors.Is(f.err, errSlow):
		out = fault.Wrap(fault.SSHTimeout, f.err, "%s (%s) did not answer within %v, %s", where, f.hop.Addr(), f.hop.ConnectTimeout, tries).
			WithHint("is it on, and is %s its address? try: ssh %s true", f.hop.Addr(), shellWord(t.Name))
	case noSuchName(f.err) && !t.Known && f.hop.Name == t.Name:
		return fault.Wrap(fault.NodeUnknown, f.err, "node %s is not known: no Host of that name in the SSH configuration, and no machine has that name", t.Name).
			WithHint("write a Host for it into ~/.ssh/config, or give user@host:port").With("node", t.Name)
	case noSuchName(f.err) || errors.As(f.err, &dns):
		out.WithHint("the name %s does not resolve: check its HostName in the SSH configuration", f.hop.Host)
	case errors.As(f.err, &no) && no.Reason == ssh.Prohibited:
		out.WithHint("the jump host forbids forwarding to there (AllowTcpForwarding, PermitOpen)")
	case errors.As(f.err, &algo):
		out.WithHint("the server is very old; `KexAlgorithms +NAME` or `HostKeyAlgorithms +ssh-rsa` in ~/.ssh/config allows what it needs")
	case errors.Is(f.err, syscall.ECONNREFUSED):
		out.WithHint("nothing listens there: is sshd running, and is %d its port?", f.hop.Port)
	default:
		out.WithHint("try: ssh %s true", shellWord(t.Name))
	}
	return out.With("node", t.Name).With("hop", f.hop.Name).With("attempts", attempts).With("cause", clean(f.err.Error()))
}

// cancelled is the error of a Dial whose caller gave up.
func cancelled(ctx context.Context, t Target) *fault.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(fault.DeadlineExceeded, ctx.Err(), "the time was up before %s (%s) was connected", t.Name, t.Addr())
	}
	return fault.Wrap(fault.Cancelled, ctx.Err(), "cancelled while connecting to %s (%s)", t.Name, t.Addr())
}
