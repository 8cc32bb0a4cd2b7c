package main

import (
	"context"

	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
)

// reach finds the daemon, or starts an ephemeral queen.
func (i *inference) reach(ctx context.Context) (queen, error) {
	name := i.flags.queen
	if name == "" {
		name = i.term.getenv("RBEE_QUEEN")
	}
	var d *daemon
	var err error
	_, span := i.trace.step(ctx, telemetry.SpanConnect)
	if name != "" {
		d, err = namedDaemon(ctx, name)
	} else {
		var socket config.Socket
		socket, err = i.env.Socket(i.flags.socket)
		switch {
		case err == nil:
			d, err = findDaemon(ctx, socket)
		case socket.Named:
			err = usageError{fault.From(err)}
		}
	}
	span.End()
	switch {
	case ctx.Err() != nil:
		return nil, i.gaveUp("looking for a queen")
	case err != nil:
		return nil, err
	case d != nil:
		i.request.WantSpans = i.trace.wanted() // there is no link for them to come up
		i.say.Keeper("start", "using the running queen-rbee, pid %d", d.version.PID)
		return d, nil
	}
	return i.start(ctx)
}

// start starts an ephemeral queen, which is ours to stop.
func (i *inference) start(ctx context.Context) (queen, error) {
	run := ulid.Make().String()
	warn := func(err error) { i.say.Keeper("warn", "no log is kept: %v", err) }
	logs, err := i.env.LogDir(run)
	switch {
	case err != nil && logs == "": // nobody said where
		return nil, err
	case err != nil:
		warn(err)
		logs = "" // nowhere
	}
	i.say.Keeper("start", "starting queen-rbee (ephemeral)")
	r := &i.request
	o := queenOptions{
		RunID: run, LogDir: logs,
		Node: r.Node, Model: r.Model, Cwd: r.Cwd, ModelsDir: r.ModelsDir, EnvModelsDir: r.EnvModelsDir,
		Plan: i.flags.plan, Push: i.flags.push, Reuse: i.flags.chat, Backend: r.Backend, Device: r.Device, GPULayers: r.GPULayers, Worker: r.Worker,
		Lease: i.flags.lease, Stall: i.flags.stall, LoadTimeout: i.flags.load, Narrate: i.say.Say, Warn: warn,
	}
	if r.Context != nil {
		o.Context = *r.Context
	}
	if r.Threads != nil {
		o.Threads = *r.Threads
	}
	if hasTerminal() {
		o.Ask = i.askSecret
	}
	if i.trace.wanted() {
		o.Spans = i.trace.take
	}
	q, err := i.parts.startQueen(trace.ContextWithSpan(ctx, i.trace.span), o)
	if err != nil && ctx.Err() != nil {
		err = i.gaveUp("starting the queen")
	}
	return q, err
}

// gaveUp is the error for a signal, or the deadline, before the request was sent.
func (i *inference) gaveUp(while string) error {
	if c := i.signals.cause(); c != "" {
		return fault.New(fault.Cancelled, "cancelled (%s) while %s", c, while)
	}
	return fault.New(fault.DeadlineExceeded, "no answer within %v: the time was over while %s", i.flags.deadline, while).
		WithHint("give it more time with --deadline")
}
