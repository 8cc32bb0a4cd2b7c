package main

import (
	"context"
	"errors"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/term"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
	"rbee/internal/telemetry/export"
	"rbee/internal/ui"
)

// recording is the trace of one command, whose root is here: spans of everything below arrive at take.
type recording struct {
	out  *export.Root
	tel  *telemetry.Telemetry
	ctx  context.Context // of the root span
	span trace.Span
}

// record opens the destinations of the trace, and begins it if there are any. A file that cannot be written is a
// mistake on the command line.
func (i *inference) record() (*recording, error) {
	o := export.Options{Service: "rbee", File: i.flags.trace, Warn: func(err error) {
		i.say.Keeper("warn", "%v", err)
	}}
	if i.flags.timings {
		o.Timings, o.Color = i.term.stderr, i.say.Colour
		if w, _, err := term.GetSize(int(i.term.stderr.Fd())); err == nil {
			o.Columns = w
		}
	}
	out, err := export.Open(o)
	if err != nil {
		return nil, usageError{fault.From(err)}
	}
	r := &recording{out: out, tel: telemetry.Start(telemetry.Options{Service: "rbee", Enabled: out.Wanted()})}
	ctx := telemetry.Extract(context.Background(), os.Getenv("TRACEPARENT")) // of a script that traces itself
	r.ctx, r.span = r.tel.Tracer().Start(ctx, telemetry.SpanInfer, trace.WithTimestamp(i.begun))
	return r, nil
}

// step begins a span below the root's.
func (r *recording) step(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if r == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	return r.tel.Tracer().Start(trace.ContextWithSpan(ctx, r.span), name, trace.WithAttributes(attributes...))
}

// wanted reports whether anybody will look at the trace.
func (r *recording) wanted() bool { return r != nil && r.tel.Enabled() }

// take keeps what a process below has recorded. It is checked there: what is no trace is not kept.
func (r *recording) take(otlp []byte) {
	if r.wanted() {
		_ = r.tel.Ingest(otlp)
	}
}

// count counts what became of the processes that this command started.
func (r *recording) count(receipt api.Receipt) {
	if r == nil || len(receipt.Processes) == 0 {
		return
	}
	m := telemetry.NewMetrics(r.out.MeterProvider())
	outcome := telemetry.Clean
	for _, p := range receipt.Processes {
		m.Started(p.Name, 1)
		switch {
		case p.Unproven:
			outcome = telemetry.Unproven
			continue // not stopped, as far as anybody knows
		case p.Forced && outcome == telemetry.Clean:
			outcome = telemetry.Forced
		}
		m.Stopped(p.Name, telemetry.EndOf(p.Cause, p.Forced), p.Forced)
	}
	m.Cascade(outcome, time.Duration(receipt.TookMS*float64(time.Millisecond)))
}

// finish ends the trace and delivers it. What could not be delivered is said, and does not change the exit code:
// the answer is what was asked for.
func (r *recording) finish(say *ui.Narrator, o outcome) {
	if r == nil {
		return
	}
	if o.failed != nil {
		r.span.SetAttributes(telemetry.AttrErrorCode.String(string(o.failed.Error.Code)))
		r.span.SetStatus(codes.Error, string(o.failed.Error.Code))
	}
	r.span.End()
	if err := r.out.Close(r.tel); err != nil {
		var f *fault.Error
		if !errors.As(err, &f) {
			f = fault.Wrap(fault.Internal, err, "the trace is incomplete: %v", err)
		}
		say.Fail(f, "")
	}
}
