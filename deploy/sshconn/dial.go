package sshconn

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"rbee/internal/fault"
)

// Options is how to connect.
type Options struct {
	Attempts   int               // 0 = 3
	Notify     func(attempt int) // called before each, counting from 1
	Passphrase Passphrase        // must return when Dial's context ends; nil: no terminal, so no encrypted key can be used
	AgentSock  string            // "" = $SSH_AUTH_SOCK; a target's IdentityAgent wins
}

// waits are those before each attempt; the last repeats. Each is changed by chance, half to one and a half, so that
// many queens do not knock in step.
var waits = []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond}

// Dial connects to a target. It tries again only if nobody answered. Its error is a *fault.Error: SSH_TIMEOUT,
// SSH_UNREACHABLE, SSH_AUTH_FAILED, SSH_HOST_KEY_UNKNOWN, SSH_HOST_KEY_CHANGED, NODE_UNKNOWN if the name is written
// nowhere and does not resolve, or CANCELLED or DEADLINE_EXCEEDED if ctx ended first.
func Dial(ctx context.Context, t Target, o Options) (*Conn, error) {
	d := &dialer{Options: o, keys: &opened{ask: o.Passphrase, m: map[string]openedKey{}}}
	return d.dial(ctx, t)
}

// dialer is one Dial, or one look at a host key.
type dialer struct {
	Options
	keys *opened
	scan bool // stop as soon as the last machine showed its key
}

func (d *dialer) dial(ctx context.Context, t Target) (*Conn, error) {
	attempts := d.Attempts
	if attempts <= 0 {
		attempts = len(waits)
	}
	for n := 1; ; n++ {
		if !pause(ctx, waits[min(n, len(waits))-1]) {
			return nil, cancelled(ctx, t)
		}
		if d.Notify != nil {
			d.Notify(n)
		}
		c, err := d.attempt(ctx, t)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, cancelled(ctx, t)
		}
		if n >= attempts || !err.again() {
			return nil, err.fault(t, n)
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(time.Duration((0.5 + rand.Float64()) * float64(d)))
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return ctx.Err() == nil
}

// attempt goes the whole way once, from hop to hop.
func (d *dialer) attempt(ctx context.Context, t Target) (*Conn, *failed) {
	c := &Conn{target: t, lost: make(chan struct{})}
	way := append(slices.Clone(t.Jumps), t)
	for i, hop := range way {
		hop.complete()
		if err := d.hop(ctx, c, hop, d.scan && i == len(way)-1); err != nil {
			c.Close()
			return nil, d.explain(c, hop, err)
		}
	}
	go c.watch()
	return c, nil
}

// explain adds what a ProxyCommand said, since only that knows why it failed.
func (d *dialer) explain(c *Conn, hop Target, err error) *failed {
	f := &failed{hop: hop, err: err}
	if c.proxy != nil && fault.CodeOf(err) == "" {
		f.err = c.proxy.explain(err)
	}
	return f
}
