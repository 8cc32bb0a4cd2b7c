package telemetry

import (
	"context"
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
	started, stopped, forced, cleanup metric.Int64Counter
	cascade                           metric.Float64Histogram
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
		started: counter("rbee.process.started", "{process}", "Processes started"),
		stopped: counter("rbee.process.stopped", "{process}", "Processes that ended, however"),
		forced:  counter("rbee.process.forced", "{process}", "Processes that had to be killed"),
		cleanup: counter("rbee.cleanup", "{cleanup}", "Cascades by what they left behind"),
		cascade: cascade,
	}
}

// Started counts n processes of that program ("rbee-hive") as started.
func (m *Metrics) Started(program string, n int64) {
	if m != nil && n > 0 {
		m.started.Add(context.Background(), n, of(program))
	}
}

// Stopped counts one process of that program as gone.
func (m *Metrics) Stopped(program string, forced bool) {
	if m == nil {
		return
	}
	m.stopped.Add(context.Background(), 1, of(program))
	if forced {
		m.forced.Add(context.Background(), 1, of(program))
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

func of(program string) metric.MeasurementOption {
	return metric.WithAttributes(AttrProcess.String(program))
}
