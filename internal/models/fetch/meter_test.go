package fetch

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"rbee/internal/models"
)

func TestProgressComesFiveTimesASecondWithRateAndTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{total: 10_000}
		m.have(1000) // of an earlier attempt: counts as there, not as speed
		ctx, cancel := context.WithCancel(t.Context())
		var seen []models.Progress
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.run(ctx, func(p models.Progress) { seen = append(seen, p) })
		}()
		for range 40 { // 1,000 bytes a second for four seconds
			time.Sleep(100 * time.Millisecond)
			m.got(100)
		}
		cancel()
		<-done
		if len(seen) < 20 || len(seen) > 22 {
			t.Errorf("%d reports in four seconds", len(seen))
		}
		if f := seen[0]; f.Bytes != 1000 || f.Total != 10_000 || f.BytesPerSecond != 0 || f.ETA != 0 {
			t.Errorf("first %+v", f)
		}
		if l := seen[len(seen)-1]; l.Bytes != 5000 || math.Abs(l.BytesPerSecond-1000) > 50 || l.ETA != 5*time.Second {
			t.Errorf("last %+v", l)
		}
	})
}

// What another process had is no speed; what it gets while we look is; that we begin at nothing is none again.
func TestTheProgressOfAnotherProcessIsSeen(t *testing.T) {
	m := &meter{total: 1000}
	for _, c := range []struct{ there, received int64 }{{400, 0}, {400, 0}, {500, 100}, {450, 100}, {0, 100}} {
		m.see(c.there)
		if m.there.Load() != c.there || m.received.Load() != c.received {
			t.Errorf("at %d: there %d, received %d, want %d", c.there, m.there.Load(), m.received.Load(), c.received)
		}
	}
}

func TestTheRateForgets(t *testing.T) {
	var r rate
	for range 50 {
		r.add(1000, 0.2)
	}
	if got := r.perSecond(); math.Abs(got-5000) > 1 {
		t.Errorf("steady: %f", got)
	}
	for range 50 {
		r.add(0, 0.2)
	}
	if got := r.perSecond(); got > 250 {
		t.Errorf("ten seconds of nothing: %f", got)
	}
	r.add(1, 0)
	if got := r.perSecond(); math.IsNaN(got) || math.IsInf(got, 0) {
		t.Error(got)
	}
}
