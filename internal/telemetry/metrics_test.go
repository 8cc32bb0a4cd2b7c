package telemetry_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"rbee/internal/telemetry"
	"rbee/internal/telemetry/telemetrytest"
)

func TestMetricsCountLivesAndCleanups(t *testing.T) {
	meter := telemetrytest.NewMeter(t)
	m := telemetry.NewMetrics(meter)
	m.Started("rbee-hive", 2)
	m.Started("llm-worker-rbee", 1)
	m.Stopped("rbee-hive", telemetry.EndAsked, false)
	m.Stopped("llm-worker-rbee", telemetry.EndForced, true)
	m.Cascade(telemetry.Forced, 40*time.Millisecond)
	m.Cascade(telemetry.Clean, 20*time.Millisecond)
	hive := telemetry.AttrProcess.String("rbee-hive")
	for _, c := range []struct {
		name string
		with []attribute.KeyValue
		want int64
	}{
		{"rbee.process.started", nil, 3},
		{"rbee.process.started", []attribute.KeyValue{hive}, 2},
		{"rbee.process.stopped", nil, 2},
		{"rbee.process.forced", nil, 1},
		{"rbee.process.forced", []attribute.KeyValue{hive}, 0},
		{"rbee.cleanup", []attribute.KeyValue{attribute.String("outcome", "forced")}, 1},
		{"rbee.cleanup", []attribute.KeyValue{attribute.String("outcome", "unproven")}, 0},
		{"rbee.cascade.duration", nil, 2},
	} {
		if got := meter.Sum(c.name, c.with...); got != c.want {
			t.Errorf("%s%v is %d, want %d", c.name, c.with, got, c.want)
		}
	}
}

func TestMetricsWithoutAProviderCountNothing(t *testing.T) {
	for _, m := range []*telemetry.Metrics{nil, telemetry.NewMetrics(nil)} {
		m.Started("a", 1)
		m.Stopped("a", telemetry.EndForced, true)
		m.Unproven("a")
		m.Restarted("a")
		m.Continued()
		m.Request(telemetry.Request{Duration: 1})
		m.Observe(nil)
		m.Cascade(telemetry.Clean, time.Second)
	}
}

func TestEndOfTellsWhyAProcessEnded(t *testing.T) {
	for _, c := range []struct {
		cause  string
		forced bool
		want   telemetry.End
	}{
		{"stopped", false, telemetry.EndAsked},
		{"exited: signal: segmentation fault", false, telemetry.EndCrashed},
		{"exited: exit status 3", false, telemetry.EndCrashed},
		{"killed: grace of 5s over", true, telemetry.EndForced},
		{"killed: link lost (no sign of life for 10s)", true, telemetry.EndLost},
		{"killed: no answer for 10s", true, telemetry.EndLost},
		{"ended with its rbee-hive", true, telemetry.EndLost},
	} {
		if got := telemetry.EndOf(c.cause, c.forced); got != c.want {
			t.Errorf("%q, forced %v: %s, want %s", c.cause, c.forced, got, c.want)
		}
	}
}

// A name that a child made up must not become a label.
func TestMetricsHaveAFewProgramsOnly(t *testing.T) {
	meter := telemetrytest.NewMeter(t)
	m := telemetry.NewMetrics(meter)
	m.Started("evil-1", 1)
	m.Started("evil-2", 1)
	if n := meter.Sum("rbee.process.started", telemetry.AttrProcess.String("other")); n != 2 {
		t.Errorf("%d of 2 are other", n)
	}
}
