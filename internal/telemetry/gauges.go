package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Gauges are how a daemon is at a moment.
type Gauges struct {
	Workers          map[string]int64 // by state
	Nodes            map[string]int64 // by state
	Running, Waiting int64            // requests that a worker has, and that none has yet
}

// Observe has now asked each time somebody reads the metrics.
func (m *Metrics) Observe(now func() Gauges) {
	if m == nil {
		return
	}
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		g, _ := m.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description)) // names are valid
		return g
	}
	workers := gauge("rbee.workers", "{worker}", "Workers by state")
	nodes := gauge("rbee.nodes", "{node}", "Nodes by state")
	requests := gauge("rbee.requests", "{request}", "Requests that a worker has, and that wait for one")
	_, _ = m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		g := now()
		state := func(s string) metric.MeasurementOption { return metric.WithAttributes(attribute.String("state", s)) }
		for s, n := range g.Workers {
			o.ObserveInt64(workers, n, state(s))
		}
		for s, n := range g.Nodes {
			o.ObserveInt64(nodes, n, state(s))
		}
		o.ObserveInt64(requests, g.Running, state("running"))
		o.ObserveInt64(requests, g.Waiting, state("waiting"))
		return nil
	}, workers, nodes, requests)
}
