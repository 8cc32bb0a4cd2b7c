package main

import (
	"context"
	"io"

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
	nodes      nodeParts
}

// doctor writes to out what is left of runs whose keeper is gone, and with fix ends it. It returns how many
// processes are (still) left.
type doctor func(ctx context.Context, out io.Writer, fix bool) (left int, err error)

// wired are the real parts.
func wired() parts {
	return parts{
		startQueen: start,
		doctor:     leftovers.Run,
		nodes:      nodeParts{others: sshNodes, reachable: reachable, states: states},
	}
}

// start starts an ephemeral queen.
func start(ctx context.Context, o queenOptions) (queen, error) {
	var pre *messages.Prestart
	if !o.Plan {
		pre = &messages.Prestart{
			Node:  o.Node,
			Model: &messages.ModelRef{Ref: o.Model, Cwd: o.Cwd, ModelsDir: o.ModelsDir, EnvModelsDir: o.EnvModelsDir, Push: o.Push},
			Load:  &messages.LoadOptions{Context: o.Context, Threads: o.Threads, Backend: o.Backend, Device: o.Device, GpuLayers: o.GPULayers, Worker: o.Worker},
		}
	}
	q, err := keeper.Start(keeper.Options{
		Run: o.RunID, Lease: o.Lease, Stall: o.Stall, LoadTimeout: o.LoadTimeout, LogDir: o.LogDir, Narrate: o.Narrate, Warn: o.Warn, Spans: o.Spans, Context: ctx, Ask: o.Ask, Reuse: o.Reuse,
		Tracer:   trace.SpanFromContext(ctx).TracerProvider().Tracer("rbee"),
		Prestart: pre,
	})
	if err != nil {
		return nil, fault.From(err) // a nil *keeper.Queen in the interface would not be nil
	}
	return q, nil
}
