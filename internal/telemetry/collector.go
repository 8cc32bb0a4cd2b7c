package telemetry

import (
	"sync"

	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// whose says which bag a span belongs in.
type whose int

const (
	own whose = iota
	childrens
	bags
)

// collector is where finished spans wait for Drain.
type collector struct {
	mu      sync.Mutex
	bags    [bags]bag
	claimed map[trace.TraceID]int
	wake    func()
	woken   bool // wake was called since the last Drain
}

func (c *collector) add(w whose, records []record) {
	if len(records) == 0 {
		return
	}
	c.mu.Lock()
	for _, r := range records {
		c.bags[w].add(r)
	}
	wake := c.wake
	if c.woken {
		wake = nil
	}
	c.woken = c.woken || wake != nil
	c.mu.Unlock()
	if wake != nil {
		wake()
	}
}

func (c *collector) take(match func(trace.TraceID) bool) []byte {
	var records []record
	for i := range c.bags {
		records = append(records, c.bags[i].take(func(s *tracepb.Span) bool {
			return match(trace.TraceID(s.GetTraceId()))
		})...)
	}
	return encode(records)
}

// Drain returns all finished spans, its own and its children's, as an OTLP ExportTraceServiceRequest of at most
// 2 MiB, and forgets them; nil if there are none. Spans of a claimed trace stay.
func (t *Telemetry) Drain() []byte {
	if !t.Enabled() {
		return nil
	}
	c := t.spans
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woken = false
	return c.take(func(id trace.TraceID) bool { return c.claimed[id] == 0 })
}

// TakeTrace is Drain for the spans of one trace, claimed or not: what a worker puts into its Done, and a
// daemon queen into its answer to the keeper whose trace it is.
func (t *Telemetry) TakeTrace(id trace.TraceID) []byte {
	if !t.Enabled() {
		return nil
	}
	t.spans.mu.Lock()
	defer t.spans.mu.Unlock()
	return t.spans.take(func(other trace.TraceID) bool { return other == id })
}

// Claim keeps the spans of a trace out of Drain until release, so that a daemon which also exports on its own
// leaves a keeper's spans for that keeper's TakeTrace. Release may be called more than once.
func (t *Telemetry) Claim(id trace.TraceID) (release func()) {
	if !t.Enabled() || !id.IsValid() {
		return func() {}
	}
	c := t.spans
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claimed == nil {
		c.claimed = map[trace.TraceID]int{}
	}
	c.claimed[id]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.claimed[id]--; c.claimed[id] == 0 {
			delete(c.claimed, id)
		}
	})
}

// OnSpans calls f when spans begin to wait, and not again before the next Drain: a child that pushes a batch up
// some milliseconds after each call hands up everything with few messages. f is called where a span ended, so it
// must not block; if spans wait already it is called at once. There is one f.
func (t *Telemetry) OnSpans(f func()) {
	if !t.Enabled() {
		return
	}
	c := t.spans
	c.mu.Lock()
	c.wake = f
	c.woken = false
	for i := range c.bags {
		c.woken = c.woken || (f != nil && len(c.bags[i].records) > 0)
	}
	now := c.woken
	c.mu.Unlock()
	if now {
		f()
	}
}

// Dropped is how many finished spans were given up because nobody drained them in time.
func (t *Telemetry) Dropped() int64 {
	if !t.Enabled() {
		return 0
	}
	t.spans.mu.Lock()
	defer t.spans.mu.Unlock()
	var n int64
	for i := range t.spans.bags {
		n += t.spans.bags[i].dropped
	}
	return n
}
