package fetch

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"rbee/internal/models"
)

const (
	everyReport = 200 * time.Millisecond
	smoothing   = 3 * time.Second // how far back the rate looks, roughly
)

// meter counts bytes and reports how far a download is.
type meter struct {
	total    int64
	there    atomic.Int64 // of total, on the disk
	received atomic.Int64 // over the network; what came twice counts twice
}

func (m *meter) got(n int64)  { m.there.Add(n); m.received.Add(n) }
func (m *meter) have(n int64) { m.there.Add(n) }

// see sets how much another process has got so far.
func (m *meter) see(there int64) {
	if n := there - m.there.Swap(there); n > 0 && n < there {
		m.received.Add(n)
	}
}

// run reports five times a second until ctx is done, and once more then.
func (m *meter) run(ctx context.Context, report func(models.Progress)) {
	t := time.NewTicker(everyReport)
	defer t.Stop()
	var r rate
	last, lastBytes := time.Now(), m.received.Load()
	report(m.progress(0))
	for {
		select {
		case <-ctx.Done():
			report(m.progress(r.perSecond()))
			return
		case now := <-t.C:
			bytes := m.received.Load()
			r.add(float64(bytes-lastBytes), now.Sub(last).Seconds())
			last, lastBytes = now, bytes
			report(m.progress(r.perSecond()))
		}
	}
}

func (m *meter) progress(perSecond float64) models.Progress {
	p := models.Progress{Bytes: m.there.Load(), Total: m.total, BytesPerSecond: perSecond}
	if left := p.Total - p.Bytes; left > 0 && perSecond > 0 {
		p.ETA = time.Duration(min(float64(left)/perSecond, 1e9) * float64(time.Second)).Round(time.Second)
	}
	return p
}

// rate is an average in which older measurements count less and less; the first ones count in full from the start.
type rate struct{ sum, weight float64 }

func (r *rate) add(bytes, seconds float64) {
	if seconds <= 0 {
		return
	}
	keep := math.Exp(-seconds / smoothing.Seconds())
	r.sum = r.sum*keep + bytes/seconds*(1-keep)
	r.weight = r.weight*keep + 1 - keep
}

func (r *rate) perSecond() float64 {
	if r.weight == 0 {
		return 0
	}
	return r.sum / r.weight
}
