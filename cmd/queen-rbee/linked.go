package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"rbee/actors/queen"
	"rbee/deploy/sshconn"
	"rbee/internal/config"
	"rbee/internal/gateway"
	"rbee/internal/proc"
	"rbee/internal/registry"
	"rbee/internal/runlog"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// linked is a queen that a keeper started: private to it, reached through the link and nothing else.
func linked() int {
	self, err := supervisor.Adopt()
	if err != nil {
		return failed(err)
	}
	_ = proc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	b := self.Boot
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: b.GetTracing(), Traceparent: b.GetTraceparent(), Follow: true})
	logs := runlog.New(b.GetQueen().GetLogDir(), func(err error) { fmt.Fprintf(os.Stderr, "no log is kept: %v\n", err) })
	ask := newAsker(self.Tell)
	var passphrase sshconn.Passphrase
	if b.GetQueen().GetCanAsk() {
		passphrase = ask.passphrase
	}
	load := func() (*config.File, error) { return config.New(os.Getenv).Load("") }
	cfg := queen.Config{
		Address: b.GetAddress(), Run: b.GetRunId(), Root: os.Getenv(proc.EnvRoot), Ephemeral: true, Reuse: b.GetQueen().GetReuse(), Lease: self.Lease(), Slots: 1,
		Stall: time.Duration(b.GetQueen().GetStallMs()) * time.Millisecond, LoadTimeout: time.Duration(b.GetQueen().GetLoadTimeoutMs()) * time.Millisecond,
		Nodes: nodes(load, passphrase), Alias: alias(load), Tracer: tel.Tracer(), Tracing: b.GetTracing(), Log: logTo(logs), Ingest: ingest(tel),
	}
	desk := newDesk(os.Getenv)
	cfg.Loans = desk
	pre := queen.Prestart(tel.Context(context.Background()), cfg, b.GetQueen().GetPrestart()) // before anything that takes time
	ep, err := transport.NewEndpoint(b.GetAddress(), transport.Options{Refused: refused})
	if err != nil {
		return failed(err)
	}
	go func() { _ = lendOut(desk, ep) }()
	done := make(chan *messages.Stopped, 1)
	o := queen.Options{Config: cfg, Endpoint: ep, Registry: registry.New(), Board: &queen.Board{}, Tell: self.Tell, Spans: tel.Drain, Pre: pre, Answer: ask.answered,
		Done: func(m *messages.Stopped) { done <- m }}
	pid, err := queen.Spawn(o)
	if err != nil {
		return failed(err)
	}
	api := gateway.NewServer(gateway.Handler(queen.NewBackend(o, pid, takeTrace(tel), nil), gateway.Options{Models: ownModels(config.New(os.Getenv))}))
	l := ep.Listen(transport.ServiceAPI) // before the way is open: the keeper's request may be waiting in it
	go func() { _ = api.Serve(l) }()
	if err := self.Join(ep); err != nil {
		return failed(err)
	}
	ask.gone = self.OwnerGone()
	close(ask.ready)
	ep.System.Root.Send(pid, queen.Begin{})
	return self.Live(done, func(s os.Signal) {
		ep.System.Root.Send(pid, queen.Stop{Cause: s.String(), Grace: supervisor.DefaultGrace})
	})
}

// failed ends a queen that has not come up; what it may have started ends with it.
func failed(err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
	proc.KillAll()
	return 1
}

func refused(from, why string) { fmt.Fprintf(os.Stderr, "refused from %s: %s\n", from, why) }

// ingest takes spans from below; what is none is the fault of who sent it, and lost.
func ingest(t *telemetry.Telemetry) func([]byte) {
	return func(otlp []byte) { _ = t.Ingest(otlp) }
}

// logTo keeps the stderr of hives, and of workers, whose lines a hive passes on.
func logTo(d *runlog.Dir) func(node, line string) {
	return func(node, line string) { d.Line(runlog.Untag("hive-"+transport.SafeName(node), line)) }
}

// takeTrace hands out the spans of the trace that a request belongs to.
func takeTrace(t *telemetry.Telemetry) func(traceparent string) []byte {
	return func(tp string) []byte {
		return t.TakeTrace(trace.SpanContextFromContext(telemetry.Extract(context.Background(), tp)).TraceID())
	}
}
