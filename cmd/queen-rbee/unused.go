package main

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"rbee/internal/gateway"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// unusedTime ends an ephemeral queen that was started by hand and that nobody uses.
const unusedTime = 30 * time.Second

// unused ends a queen that nobody uses: after --idle-timeout, or an ephemeral one after its task. A request counts
// from its arrival until its client has been answered or is gone.
type unused struct {
	once  bool // an ephemeral queen: the first task is the last
	limit time.Duration
	tel   *telemetry.Telemetry
	end   func()

	mu    sync.Mutex
	timer *time.Timer // nil: never
	using int
}

func newUnused(o options, tel *telemetry.Telemetry) *unused {
	u := &unused{once: o.ephemeral, limit: o.idle, tel: tel, end: func() { self(syscall.SIGTERM) }}
	if o.ephemeral {
		u.limit = unusedTime
	}
	if u.limit > 0 {
		u.timer = time.AfterFunc(u.limit, u.over)
	}
	return u
}

// self ends this process the way anybody else would.
func self(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }

// over is the timer's: a request may have come in the moment it fired.
func (u *unused) over() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.using == 0 {
		u.end()
	}
}

func (u *unused) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.using++
	if u.timer != nil {
		u.timer.Stop()
	}
}

func (u *unused) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.using--
	switch {
	case u.using > 0:
	case u.once:
		u.end()
	case u.timer != nil:
		u.timer.Reset(u.limit)
	}
}

// watch notes that requests come in.
func (u *unused) watch(b gateway.Backend) gateway.Backend { return watched{b, u} }

type watched struct {
	gateway.Backend
	u *unused
}

func (w watched) Submit(ctx context.Context, g *messages.Generate) (gateway.Stream, error) {
	w.u.begin()
	context.AfterFunc(ctx, w.u.done)
	// A keeper's spans are for that keeper, also when this queen exports on its own.
	parent := trace.SpanContextFromContext(telemetry.Extract(ctx, g.GetTraceparent()))
	context.AfterFunc(ctx, w.u.tel.Claim(parent.TraceID()))
	return w.Backend.Submit(ctx, g)
}
