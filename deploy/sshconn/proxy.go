package sshconn

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"rbee/internal/proc"
)

// proxy is a ProxyCommand: a process of ours whose stdin and stdout are the connection. It dies with us, and Close
// kills its whole group.
type proxy struct {
	*proc.Stream
	p    *proc.Process
	tail *proc.Tail
	read chan struct{} // its stderr was read to the end
	once sync.Once
}

// startProxy runs the command by sh, as ssh does; the command is the user's own, its tokens were checked.
func startProxy(command string) (*proxy, error) {
	p, err := proc.Start(proc.Command{Path: "/bin/sh", Args: []string{"-c", "exec " + command}, OwnerDeath: killSignal})
	if err != nil {
		return nil, err
	}
	x := &proxy{Stream: p.Stream(), p: p, tail: proc.NewTail(3), read: make(chan struct{})}
	go func() {
		defer close(x.read)
		proc.EachLine(p.Stderr(), x.tail.Add)
		p.Stderr().Close()
	}()
	return x, nil
}

// Close ends the command. It does not wait for it.
func (x *proxy) Close() error {
	x.once.Do(func() {
		x.p.Signal(killSignal)
		x.p.Release()
	})
	return nil
}

// explain says why the command failed, in its own words.
func (x *proxy) explain(err error) error {
	<-x.read // closed by now: it ends soon after the command
	said := clean(strings.Join(x.tail.Lines(), "; "))
	if said == "" {
		said = "it said nothing"
	}
	return fmt.Errorf("%w; ProxyCommand: %s", err, said)
}

type proxyAddr struct{}

func (proxyAddr) Network() string { return "pipe" }
func (proxyAddr) String() string  { return "ProxyCommand" }

// The rest of net.Conn. The SSH library sets no deadlines.
func (x *proxy) LocalAddr() net.Addr              { return proxyAddr{} }
func (x *proxy) RemoteAddr() net.Addr             { return proxyAddr{} }
func (x *proxy) SetDeadline(time.Time) error      { return nil }
func (x *proxy) SetReadDeadline(time.Time) error  { return nil }
func (x *proxy) SetWriteDeadline(time.Time) error { return nil }
