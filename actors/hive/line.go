package hive

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"rbee/internal/fault"
	"rbee/internal/place"
	"rbee/messages"
)

const (
	// queueLimit is how many requests may wait for one model; queueTime how long.
	queueLimit = 100
	queueTime  = 300 * time.Second
	// lineTick is how often those that wait are looked at: who waited too long, and whose place changed. Who waits
	// less than that is not told of a place at all.
	lineTickTime = 250 * time.Millisecond
	// placeTime is after how long a request is told its place again although it is the same.
	placeTime = 3 * time.Second
	// maxLines bounds how many models' lines are remembered with what their requests took.
	maxLines = 64
)

type lineTick struct{}

// told is what a request was told last of its place.
type told struct {
	position, waiting int
	at                time.Time
}

func (h *hive) seconds(t time.Time) float64 { return t.Sub(h.epoch).Seconds() }

// line is the one in front of a model.
func (h *hive) line(path string) *place.Queue {
	q := h.lines[path]
	if q == nil {
		if len(h.lines) >= maxLines {
			maps.DeleteFunc(h.lines, func(_ string, q *place.Queue) bool { return q.Idle() })
		}
		q = place.NewQueue(queueLimit)
		h.lines[path] = q
	}
	return q
}

// enter puts a request in its model's line, or refuses it. Another one may have to go for it.
func (h *hive) enter(p *pending) {
	until := p.arrived.Add(queueTime)
	if ms := p.GetBudgetMs(); ms > 0 {
		until = minTime(until, p.arrived.Add(time.Duration(ms)*time.Millisecond))
	}
	w := &place.Waiter{ID: p.GetId(), Tenant: p.GetTenant(), Weight: p.GetWeight(), Since: h.seconds(p.arrived), Until: h.seconds(until),
		Again: p.GetAttempt() > 1 || p.GetResume() != nil}
	q := h.line(p.found.Path)
	out, ok := q.Join(w)
	if !ok {
		h.settle(p, q.Full(w, p.found.Name, h.serving(p.found.Path)).With("node", h.Hive.GetNode()), false)
		return
	}
	p.waiter = w
	if other := h.ledger[idOf(out)]; other != nil {
		other.waiter = nil
		h.settle(other, q.Full(out, p.found.Name, h.serving(p.found.Path)).With("node", h.Hive.GetNode()), false)
	}
	if !h.ticking {
		h.ticking = true
		h.later(lineTickTime, lineTick{})
	}
}

func idOf(w *place.Waiter) string {
	if w == nil {
		return ""
	}
	return w.ID
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// served ends a request's wait: a worker has it.
func (h *hive) served(p *pending) {
	p.turn, p.taken = new(h.line(p.found.Path).Take(p.waiter)), time.Now()
	p.waiter = nil
}

// leave ends what the line knows of a request. complete: it was answered, so its time says how long others will take.
func (h *hive) leave(p *pending, complete bool) {
	switch q := h.lines[p.found.Path]; {
	case q == nil:
	case p.waiter != nil:
		q.Leave(p.waiter)
		p.waiter = nil
	case p.turn != nil:
		q.Finished(*p.turn, time.Since(p.taken).Seconds(), complete)
		p.turn = nil
	}
}

// inLine lists those that wait for a model, in their order.
func (h *hive) inLine(q *place.Queue) (ps []*pending) {
	for _, w := range q.Order() {
		if p := h.ledger[w.ID]; p != nil && p.waiter == w {
			ps = append(ps, p)
		}
	}
	return ps
}

// linesByAge lists the lines in which somebody waits, that of the longest wait first.
func (h *hive) linesByAge() []*place.Queue {
	var busy []*place.Queue
	since := map[*place.Queue]float64{}
	for _, q := range h.lines {
		if q.Len() == 0 {
			continue
		}
		busy = append(busy, q)
		since[q] = slices.MinFunc(q.Order(), func(a, b *place.Waiter) int { return cmp.Compare(a.Since, b.Since) }).Since
	}
	slices.SortFunc(busy, func(a, b *place.Queue) int { return cmp.Compare(since[a], since[b]) })
	return busy
}

// serving counts the slots of the workers that a model has.
func (h *hive) serving(path string) (n int) {
	for _, s := range h.slots {
		if s.found.Path == path && (s.state == idle || s.state == busy) {
			n += int(s.total)
		}
	}
	return n
}

// promised counts those that will come free when workers have loaded: who is that early in line waits for a load and
// not for a place.
func (h *hive) promised(path string) (n int) {
	for _, s := range h.slots {
		if s.found.Path == path && s.state == loading {
			n += int(s.total)
		}
	}
	return n
}

// tick looks at those that wait.
func (h *hive) tick() {
	now, waiting := time.Now(), false
	for _, q := range h.linesByAge() {
		for _, w := range q.Expired(h.seconds(now)) {
			if p := h.ledger[w.ID]; p != nil {
				h.settle(p, h.tooLate(p, q), false)
			}
		}
		h.tellPlaces(q, now)
		waiting = waiting || q.Len() > 0
	}
	if h.ticking = waiting; waiting {
		h.later(lineTickTime, lineTick{})
	}
}

func (h *hive) tooLate(p *pending, q *place.Queue) *fault.Error {
	if waited := time.Since(p.arrived); waited < queueTime {
		return fault.New(fault.DeadlineExceeded, "the deadline came after %v in the queue for %s on %s", waited.Round(time.Millisecond), p.found.Name, h.Hive.GetNode()).
			WithHint("allow more with --deadline")
	}
	return fault.New(fault.QueueTimeout, "no slot for %s came free on %s in %v; %d requests wait", p.found.Name, h.Hive.GetNode(), queueTime, q.Len()).
		WithHint("try again later").With("waiting", q.Len()).With("retry_after_s", int64(30))
}

// tellPlaces says to each that waits which place it has, when that changed and from time to time.
func (h *hive) tellPlaces(q *place.Queue, now time.Time) {
	all := h.inLine(q)
	for i, p := range all {
		if i < h.promised(p.found.Path) || now.Sub(p.arrived) < lineTickTime {
			continue
		}
		is := told{i + 1, len(all), now}
		if was := p.place; was.position == is.position && was.waiting == is.waiting && now.Sub(was.at) < placeTime {
			continue
		}
		p.place = is
		eta := int64(-1)
		if s := q.Wait(i+1, h.serving(p.found.Path)); s >= 0 {
			eta = int64(s * 1000)
		}
		h.root.Send(p.to, &messages.Queued{Id: p.GetId(), Position: int64(is.position), Waiting: int64(is.waiting), EtaMs: eta})
	}
}
