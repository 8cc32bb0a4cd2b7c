package place

import (
	"cmp"
	"math"
	"slices"

	"rbee/internal/fault"
)

// Queue is the line in front of one model. It is start-time fair queueing between tenants, first come first served
// within one: each tenant has a virtual time, which a request that is taken moves on by the time it holds a slot,
// divided by the tenant's weight; the tenant that is furthest behind is next. A tenant that was away starts at the
// clock, the virtual time of who was taken last, so nobody saves up turns, and nobody who comes back waits behind what
// others piled up meanwhile. So a tenant that asks a hundred times as much as its share makes its own line longer,
// nobody else's.
//
// How long a request will hold its slot is not known when it is taken: it is charged the mean, and the difference when
// it is over (Finished). A tenant of long answers has fewer turns.
//
// The line is bounded as a whole. When it is full, a tenant with less than its share of it still gets in: the newest
// request of the tenant that is most over its share goes. So nobody is locked out, and one tenant alone may use it all.
//
// All times are in seconds since any moment.
type Queue struct {
	limit int
	lines map[string]*line
	again []*Waiter
	clock float64 // virtual
	next  int64
	size  int
	taken int // requests that were taken and are not finished
	mean  float64
}

// Waiter is one request in the line.
type Waiter struct {
	ID     string
	Tenant string  // "" is a tenant like any other
	Weight float64 // of the tenant; 0 = 1
	Since  float64 // when it came
	Until  float64 // after it nobody waits for it any more
	// Again: it had been taken, and lost its worker. It has waited its turn, so it is next, however long the line is.
	Again bool

	order int64
}

// line is one tenant's.
type line struct {
	weight  float64
	time    float64 // virtual
	waiting []*Waiter
	taken   int
}

// NewQueue returns an empty line for so many waiters.
func NewQueue(limit int) *Queue { return &Queue{limit: limit, lines: map[string]*line{}} }

// Len is how many wait.
func (q *Queue) Len() int { return q.size }

// Idle: nobody waits, and nobody who was taken is still to be finished.
func (q *Queue) Idle() bool { return q.size == 0 && q.taken == 0 }

// Join puts w at the end of its tenant's line. If there is no room, ok is false; if room was made, out is who had to go.
func (q *Queue) Join(w *Waiter) (out *Waiter, ok bool) {
	q.next++
	w.order = q.next
	if w.Again {
		q.again, q.size = append(q.again, w), q.size+1
		return nil, true
	}
	if q.size >= q.limit {
		if out = q.mostOver(w); out == nil {
			return nil, false
		}
		q.Leave(out)
	}
	l := q.line(w.Tenant)
	l.weight = weight(w.Weight)
	l.waiting, q.size = append(l.waiting, w), q.size+1
	return out, true
}

func weight(w float64) float64 {
	if w > 0 && !math.IsInf(w, 0) {
		return w
	}
	return 1
}

func (q *Queue) line(tenant string) *line {
	l := q.lines[tenant]
	if l == nil {
		l = &line{weight: 1, time: q.clock}
		q.lines[tenant] = l
	}
	return l
}

// mostOver is the newest waiter of the tenant with most waiters for its weight, if that is more than w's would have
// with w. Of equals the first by name, so that the same things always have the same outcome.
func (q *Queue) mostOver(w *Waiter) *Waiter {
	var most *line
	var name string
	for n, l := range q.lines {
		if len(l.waiting) == 0 {
			continue
		}
		if c := 0; most != nil {
			c = cmp.Compare(float64(len(l.waiting))/l.weight, float64(len(most.waiting))/most.weight)
			if c < 0 || c == 0 && n > name {
				continue
			}
		}
		most, name = l, n
	}
	mine := 1
	if l := q.lines[w.Tenant]; l != nil {
		mine += len(l.waiting)
	}
	if most == nil || name == w.Tenant || float64(len(most.waiting))/most.weight <= float64(mine)/weight(w.Weight) {
		return nil
	}
	return most.waiting[len(most.waiting)-1]
}

// Leave takes w out of the line, unserved. It reports whether it was there.
func (q *Queue) Leave(w *Waiter) bool {
	from := &q.again
	if !w.Again {
		l := q.lines[w.Tenant]
		if l == nil {
			return false
		}
		from = &l.waiting
	}
	i := slices.Index(*from, w)
	if i < 0 {
		return false
	}
	*from = slices.Delete(*from, i, i+1)
	q.size--
	q.tidy(w.Tenant)
	return true
}

// Take takes w out of the line to be served, whether it is next or not: those before it may wait for something else.
// What it returns is for Finished.
func (q *Queue) Take(w *Waiter) Turn {
	t := Turn{tenant: w.Tenant, weight: weight(w.Weight), charged: q.cost()}
	if w.Again { // it was charged when it was taken first
		t.charged = 0
	}
	l := q.line(w.Tenant)
	start := max(l.time, q.clock)
	l.taken, q.taken = l.taken+1, q.taken+1
	if !w.Again {
		l.time, q.clock = start+t.charged/t.weight, max(q.clock, start)
	}
	q.Leave(w)
	return t
}

// cost is what a request is charged at first.
func (q *Queue) cost() float64 {
	if q.mean > 0 {
		return q.mean
	}
	return 1
}

// Turn is a request that was taken.
type Turn struct {
	tenant          string
	weight, charged float64
}

// Finished says that a request that was taken has held its slot for so long. complete is false if that says nothing of
// how long requests take: it lost its worker, or was cancelled.
func (q *Queue) Finished(t Turn, held float64, complete bool) {
	l := q.line(t.tenant)
	l.time += (held - t.charged) / t.weight
	l.taken, q.taken = max(0, l.taken-1), max(0, q.taken-1)
	if complete {
		const share = 1. / 8 // of the newest in the mean
		if q.mean == 0 {
			q.mean = held
		}
		q.mean += (held - q.mean) * share
	}
	q.tidy(t.tenant)
}

// tidy forgets a tenant of whom there is nothing to remember.
func (q *Queue) tidy(tenant string) {
	if q.Idle() {
		clear(q.lines) // nobody is behind or ahead of anybody
		q.clock = 0
		return
	}
	if l := q.lines[tenant]; l != nil && len(l.waiting) == 0 && l.taken == 0 && l.time <= q.clock {
		delete(q.lines, tenant)
	}
}

// Order lists those that wait in the order in which they would be taken if nobody else came.
func (q *Queue) Order() []*Waiter {
	type place struct {
		w  *Waiter
		at float64
	}
	all := make([]place, 0, q.size)
	for _, l := range q.lines {
		at := max(l.time, q.clock)
		for _, w := range l.waiting {
			all = append(all, place{w, at})
			at += q.cost() / l.weight
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.w.order, b.w.order)) })
	order := slices.Grow(slices.Clone(q.again), len(all))
	for _, p := range all {
		order = append(order, p.w)
	}
	return order
}

// Next is the first of Order, or nil.
func (q *Queue) Next() *Waiter {
	if len(q.again) > 0 {
		return q.again[0]
	}
	var first *Waiter
	var at float64
	for _, l := range q.lines {
		if len(l.waiting) == 0 {
			continue
		}
		w, t := l.waiting[0], max(l.time, q.clock)
		if first == nil || t < at || t == at && w.order < first.order {
			first, at = w, t
		}
	}
	return first
}

// Expired lists those that have waited longer than they may.
func (q *Queue) Expired(now float64) (ws []*Waiter) {
	for _, w := range q.Order() {
		if w.Until <= now {
			ws = append(ws, w)
		}
	}
	return ws
}

// Wait is about how long who is at that place in Order (1 = next) will wait if so many slots serve the line: every
// mean/slots seconds one comes free, as long as requests take as long as the latest did. Negative: not known.
func (q *Queue) Wait(position, slots int) float64 {
	if q.mean == 0 || slots < 1 {
		return -1
	}
	return q.mean * float64(position) / float64(slots)
}

// Full is the error of a request that gets no place. Who is told to come back does so when about a quarter of those
// that wait have been served: if all came back for the next free place, one of them would get it.
func (q *Queue) Full(w *Waiter, model string, slots int) *fault.Error {
	retry := int64(5)
	if s := q.Wait(max(1, q.size/4), slots); s >= 0 {
		retry = int64(min(300, max(1, math.Ceil(s))))
	}
	f := fault.New(fault.QueueFull, "%d of %d requests wait for %s already", q.size, q.limit, model).
		WithHint("try again in %d s, or allow it another node", retry).
		With("waiting", q.size).With("limit", q.limit).With("retry_after_s", retry)
	if l := q.lines[w.Tenant]; l != nil && len(l.waiting) > 0 && len(l.waiting) < q.size {
		_ = f.With("yours", len(l.waiting))
	}
	return f
}
