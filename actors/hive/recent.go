package hive

import (
	"slices"
	"time"

	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
)

// recentTime is how long the end of an answer may be on its way to its stream. It travels on a line of its own, and one
// that its worker opens for it may still be opening when the worker ends: then nobody would ever tell the stream.
const recentTime = 2 * time.Second

// recent is a request that a worker released, and so has answered.
type recent struct {
	p  *pending
	at time.Time
}

// remember keeps a released request until its answer must have arrived.
func (s *slot) remember(p *pending, now time.Time) {
	s.recent = slices.DeleteFunc(s.recent, func(r recent) bool { return now.Sub(r.at) > recentTime })
	s.recent = append(s.recent, recent{p, now})
}

// vouch tells the streams of what a dead worker answered a moment ago that it is gone. One that has its answer does not
// listen any more; one that has not asks again.
func (h *hive) vouch(s *slot) {
	if h.stopping != nil {
		return // whoever waited is told by the stop
	}
	now := time.Now()
	for _, r := range s.recent {
		if now.Sub(r.at) > recentTime {
			continue
		}
		f := fault.New(fault.WorkerCrashed, "%s on %s ended before the end of its answer arrived", transport.Base(s.link.Address), h.Hive.GetNode()).
			With("node", h.Hive.GetNode())
		again := true
		if s.unload != nil { // who wanted the worker's end does not want the answer begun anew
			f, again = s.err, false
		}
		h.root.Send(r.p.to, &messages.Failed{Id: r.p.GetId(), Error: messages.FromFault(f), Retryable: again})
	}
	s.recent = nil
}
