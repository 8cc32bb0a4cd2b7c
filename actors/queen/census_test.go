package queen

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"rbee/internal/telemetry"
	"rbee/internal/telemetry/telemetrytest"
	"rbee/messages"
)

func end(name, address string, forced, unproven bool) *messages.ProcessEnd {
	return &messages.ProcessEnd{Name: name, Address: address, Cause: "exit status 3", Forced: forced, Unproven: unproven}
}

func TestCensusCountsEachLifeOnce(t *testing.T) {
	meter := telemetrytest.NewMeter(t)
	c := newCensus(telemetry.NewMetrics(meter))
	check := func(when string, started, stopped, forced int64) {
		t.Helper()
		for name, want := range map[string]int64{"rbee.process.started": started, "rbee.process.stopped": stopped, "rbee.process.forced": forced} {
			if got := meter.Sum(name); got != want {
				t.Errorf("%s: %s is %d, want %d", when, name, got, want)
			}
		}
	}
	hive, one, two := end("rbee-hive", "queen.1~hive-a.1", false, false), end("llm-worker-rbee", "queen.1~hive-a.1~worker-0.1", false, false),
		end("llm-worker-rbee", "queen.1~hive-a.1~worker-0.2", true, false)
	c.see([]*messages.ProcessEnd{hive})
	c.see([]*messages.ProcessEnd{hive, one})
	c.see([]*messages.ProcessEnd{hive, one})
	check("two started", 2, 0, 0)
	c.end([]*messages.ProcessEnd{one})
	check("one ended", 2, 1, 0)
	c.end([]*messages.ProcessEnd{two})
	check("one of whose start nobody told was killed", 3, 2, 1)
	c.end([]*messages.ProcessEnd{hive, end("llm-worker-rbee", "queen.1~hive-a.1~worker-1.1", true, true)})
	check("one is not proven gone", 4, 3, 1)
	if n := meter.Sum("rbee.process.started", telemetry.AttrProcess.String("rbee-hive")); n != 1 {
		t.Errorf("%d hives started, want 1", n)
	}
	if n := meter.Sum("rbee.process.restarted"); n != 1 {
		t.Errorf("%d restarts, want 1: worker-0.2 came after worker-0.1 had died", n)
	}
	if n := meter.Sum("rbee.process.unproven"); n != 1 {
		t.Errorf("%d unproven, want 1", n)
	}
	for _, why := range []telemetry.End{telemetry.EndCrashed, telemetry.EndForced} {
		if n := meter.Sum("rbee.process.stopped", attribute.String("cause", string(why))); n == 0 {
			t.Errorf("none counted as %s", why)
		}
	}
	if len(c.living) != 0 {
		t.Errorf("still counted as living: %v", c.living)
	}
}

func TestCensusOfAnEphemeralQueenCountsNothing(t *testing.T) {
	c := newCensus(nil)
	c.see([]*messages.ProcessEnd{{}})
	c.end([]*messages.ProcessEnd{{}})
}
