package telemetry

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Outcome is how a cascade left the machines it ran on.
type Outcome string

const (
	Clean    Outcome = "clean"    // all gone by themselves
	Forced   Outcome = "forced"   // all gone, SIGKILL was needed
	Unproven Outcome = "unproven" // something was not seen to end
)

// Metrics counts the lives of processes. The root of a tree counts for all of it, from the reports that come up;
// nothing else in the tree has a meter. A nil *Metrics counts nothing.
type Metrics struct {
	started, stopped, forced, unproven, restarted metric.Int64Counter
	cleanup, continued                            metric.Int64Counter
	cascade                                       metric.Float64Histogram
	requests                                      requests
	meter                                         metric.Meter
}

// NewMetrics makes the instruments; with a nil provider they count nothing.
func NewMetrics(provider metric.MeterProvider) *Metrics {
	if provider == nil {
		provider = noop.NewMeterProvider()
	}
	meter := provider.Meter(scope)
	counter := func(name, unit, description string) metric.Int64Counter {
		c, _ := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description)) // names are valid
		return c
	}
	cascade, _ := meter.Float64Histogram("rbee.cascade.duration", metric.WithUnit("s"),
		metric.WithDescription("From the decision to stop a tree to the proof that it is gone"),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	return &Metrics{
		started:   counter("rbee.process.started", "{process}", "Processes started"),
		stopped:   counter("rbee.process.stopped", "{process}", "Processes that ended, however"),
		forced:    counter("rbee.process.forced", "{process}", "Processes that had to be killed"),
		unproven:  counter("rbee.process.unproven", "{process}", "Processes that nobody saw end"),
		restarted: counter("rbee.process.restarted", "{process}", "Processes started in the place of one that died"),
		continued: counter("rbee.request.continued", "{request}", "Answers that another worker went on with"),
		cleanup:   counter("rbee.cleanup", "{cleanup}", "Cascades by what they left behind"),
		cascade:   cascade,
		requests:  newRequests(meter),
		meter:     meter,
	}
}

// Started counts n processes of that program ("rbee-hive") as started.
func (m *Metrics) Started(program string, n int64) {
	if m != nil && n > 0 {
		m.started.Add(context.Background(), n, of(program))
	}
}

// End is why a process ended: what it was told, or what became of it.
type End string

const (
	EndAsked   End = "asked"   // stopped in order
	EndForced  End = "forced"  // SIGKILL was needed
	EndCrashed End = "crashed" // by itself: a signal, an exit code
	EndLost    End = "lost"    // with its owner, its lease or the way to it
)

// EndOf is the kind of an end that a report tells: ProcessEnd's cause and forced.
func EndOf(cause string, forced bool) End {
	for _, sign := range []string{"link lost", "no answer for", "ended with its"} {
		if strings.Contains(cause, sign) {
			return EndLost
		}
	}
	switch {
	case cause == "stopped":
		return EndAsked
	case forced:
		return EndForced
	}
	return EndCrashed
}

// Stopped counts one process of that program as gone; forced: SIGKILL was needed.
func (m *Metrics) Stopped(program string, why End, forced bool) {
	if m == nil {
		return
	}
	m.stopped.Add(context.Background(), 1, of(program), metric.WithAttributes(attribute.String("cause", string(why))))
	if forced {
		m.forced.Add(context.Background(), 1, of(program))
	}
}

// Unproven counts one process that may still be there.
func (m *Metrics) Unproven(program string) {
	if m != nil {
		m.unproven.Add(context.Background(), 1, of(program))
	}
}

// Restarted counts one process that took the place of one that died.
func (m *Metrics) Restarted(program string) {
	if m != nil {
		m.restarted.Add(context.Background(), 1, of(program))
	}
}

// Continued counts one answer that another worker went on with.
func (m *Metrics) Continued() {
	if m != nil {
		m.continued.Add(context.Background(), 1)
	}
}

// Cascade counts one finished cascade and how long it took.
func (m *Metrics) Cascade(outcome Outcome, took time.Duration) {
	if m == nil {
		return
	}
	with := metric.WithAttributes(attribute.String("outcome", string(outcome)))
	m.cleanup.Add(context.Background(), 1, with)
	m.cascade.Record(context.Background(), took.Seconds(), with)
}

// programs are what may be counted: names come from other machines.
var programs = []string{"queen-rbee", "rbee-hive", "llm-worker-rbee"}

func of(program string) metric.MeasurementOption {
	if !slices.Contains(programs, program) {
		program = "other"
	}
	return metric.WithAttributes(AttrProcess.String(program))
}
