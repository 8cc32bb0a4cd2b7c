// Package telemetrytest lets a test read what was counted.
package telemetrytest

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Meter is a meter provider whose counts stay in this process.
type Meter struct {
	metric.MeterProvider
	t      testing.TB
	reader *sdkmetric.ManualReader
}

// NewMeter returns a Meter that fails t if it cannot be read.
func NewMeter(t testing.TB) *Meter {
	reader := sdkmetric.NewManualReader()
	return &Meter{sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), t, reader}
}

// Sum returns what a counter holds, or how many times a histogram was recorded to, over all points that bear the
// given attributes.
func (m *Meter) Sum(name string, with ...attribute.KeyValue) int64 {
	m.t.Helper()
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(context.Background(), &all); err != nil {
		m.t.Fatal(err)
	}
	var sum int64
	for _, scope := range all.ScopeMetrics {
		for _, instrument := range scope.Metrics {
			if instrument.Name == name {
				sum += points(instrument.Data, with)
			}
		}
	}
	return sum
}

func points(data metricdata.Aggregation, with []attribute.KeyValue) (sum int64) {
	switch d := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			if bears(p.Attributes, with) {
				sum += p.Value
			}
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			if bears(p.Attributes, with) {
				sum += int64(p.Count)
			}
		}
	}
	return sum
}

func bears(set attribute.Set, with []attribute.KeyValue) bool {
	for _, kv := range with {
		if v, ok := set.Value(kv.Key); !ok || v.String() != kv.Value.String() {
			return false
		}
	}
	return true
}
