package main

import (
	"context"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"rbee/actors/keeper"
	leftovers "rbee/internal/doctor"
	"rbee/internal/fault"
	"rbee/messages"
)

// parts are what the command line is put on top of. Tests put other parts there.
type parts struct {
	startQueen startQueen
	doctor     doctor
}

// doctor writes to out what is left of runs whose keeper is gone, and with fix ends it. It returns how many
// processes are (still) left.
type doctor func(ctx context.Context, out io.Writer, fix bool) (left int, err error)

// wired are the real parts.
func wired() parts {
	return parts{
		startQueen: start,
		doctor:     leftovers.Run,
	}
}

// start starts an ephemeral queen.
func start(ctx context.Context, o queenOptions) (queen, error) {
	lease, err := leaseOf(os.Getenv("RBEE_LEASE"))
	if err != nil {
		return nil, err
	}
	q, err := keeper.Start(keeper.Options{
		Run: o.RunID, Lease: lease, LogDir: o.LogDir, Narrate: o.Narrate, Spans: o.Spans, Context: ctx, Ask: o.Ask,
		Tracer: trace.SpanFromContext(ctx).TracerProvider().Tracer("rbee"),
		Prestart: &messages.Prestart{
			Node:  o.Node,
			Model: &messages.ModelRef{Ref: o.Model, Cwd: o.Cwd, ModelsDir: o.ModelsDir, EnvModelsDir: o.EnvModelsDir},
			Load:  &messages.LoadOptions{Context: o.Context, Threads: o.Threads},
		},
	})
	if err != nil {
		return nil, fault.From(err) // a nil *keeper.Queen in the interface would not be nil
	}
	return q, nil
}

// leaseOf reads RBEE_LEASE, how long a silent process of the tree counts as alive; "" is the default.
func leaseOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 500*time.Millisecond || d > time.Hour {
		return 0, fault.New(fault.InvalidRequest, "RBEE_LEASE is %q, allowed is 500ms to 1h", text).WithHint("unset it for the default of 10s")
	}
	return d, nil
}
