package sshconn

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

// Conn is an open connection to a node.
type Conn struct {
	target  Target
	clients []*ssh.Client // one for each hop; the last is the node's
	proxy   *proxy        // nil without a ProxyCommand

	mu       sync.Mutex
	below    net.Conn              // what leaves this machine
	closed   bool                  // below is, or will be
	sessions map[*Session]struct{} // whose channel is open
	givenUp  bool                  // by Close

	lost chan struct{}
}

var (
	_ remote.Conn   = (*Conn)(nil)
	_ remote.Pinger = (*Conn)(nil)
)

// Target says where the connection leads.
func (c *Conn) Target() Target { return c.target }

func (c *Conn) String() string { return c.target.String() }

// Lost is closed when the connection is gone.
func (c *Conn) Lost() <-chan struct{} { return c.lost }

// Close closes the socket, or ends the ProxyCommand, without a word to the far side, so it never waits. It unblocks
// every Session.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.givenUp = true
	for s := range c.sessions {
		s.abandon() // first, so that nobody takes our end for theirs
	}
	c.mu.Unlock()
	c.closeBelow()
	return nil
}

// keep and forget say which sessions Close must free.
func (c *Conn) keep(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.givenUp {
		s.abandon()
		return
	}
	if c.sessions == nil {
		c.sessions = map[*Session]struct{}{}
	}
	c.sessions[s] = struct{}{}
}

func (c *Conn) forget(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
}

// Ping implements remote.Pinger, by a request that every server answers, be it with a refusal.
func (c *Conn) Ping() error {
	_, _, err := c.clients[len(c.clients)-1].SendRequest("keepalive@openssh.com", true, nil)
	return err
}

func (c *Conn) closeBelow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.below != nil {
		c.below.Close()
	}
}

func (c *Conn) watch() {
	_ = c.clients[len(c.clients)-1].Wait()
	c.closeBelow() // the node's connection may end while that to its jump host lives
	close(c.lost)
}

// reach opens the way to a hop: TCP, a ProxyCommand, or a channel through the machine before it.
func (c *Conn) reach(ctx context.Context, hop Target) (net.Conn, error) {
	if n := len(c.clients); n > 0 {
		return c.clients[n-1].DialContext(ctx, "tcp", hop.Addr())
	}
	var conn net.Conn
	var err error
	if hop.ProxyCommand != "" {
		c.proxy, err = startProxy(hop.ProxyCommand)
		conn = c.proxy
	} else {
		d := net.Dialer{}
		if hop.BindAddress != "" {
			ip := net.ParseIP(hop.BindAddress)
			if ip == nil {
				return nil, fault.New(fault.InvalidRequest, "BindAddress %.100q of %s is not an address", hop.BindAddress, hop.Name)
			}
			d.LocalAddr = &net.TCPAddr{IP: ip}
		}
		conn, err = d.DialContext(ctx, hop.Network, hop.Addr())
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.below = conn; c.closed {
		conn.Close()
		return nil, errClosed
	}
	return conn, nil
}

// startLimit bounds a start whose context does not.
const startLimit = 30 * time.Second

// Start runs a command. "exec" makes the program itself the child of the server's session, in place of the login
// shell, so a death of the session reaches it.
func (c *Conn) Start(ctx context.Context, words []string) (remote.Session, error) {
	if err := remote.CheckWords(words); err != nil {
		return nil, fault.Wrap(fault.InvalidRequest, err, "refused to run a command on %s: %v", c.target.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	type result struct {
		s   *Session
		err error
	}
	started := make(chan result, 1)
	go func() {
		s, err := open(c, words)
		started <- result{s, err}
	}()
	select {
	case r := <-started:
		if r.err != nil {
			return nil, r.err
		}
		return r.s, nil
	case <-ctx.Done():
		go func() { // it may still come; nobody wants it any more
			if r := <-started; r.s != nil {
				r.s.Close()
			}
		}()
		return nil, fault.Wrap(fault.SSHTimeout, ctx.Err(), "%s did not start a command in time", c.target.Name)
	}
}

// refused is the error of a command that was not started.
func (c *Conn) refused(err error) error {
	var no *ssh.OpenChannelError
	if errors.As(err, &no) {
		return fault.Wrap(fault.SSHUnreachable, err, "%s refused to open a session: %s", c.target, clean(no.Message)).
			WithHint("MaxSessions or ForceCommand of its sshd may be the reason")
	}
	return fault.Wrap(fault.NodeLost, err, "the connection to %s ended before the command started: %s", c.target, clean(err.Error()))
}
