package worker

import (
	"testing"

	"pgregory.net/rapid"
)

// process is a worker as its shell keeps it.
type process struct {
	state   state
	loading bool
	active  int
	done    map[effect]int
}

func (p *process) can(e event) bool {
	switch e {
	case evLoaded, evFailed:
		return p.loading
	case evTake: // others are answered with Failed
		return p.state == idle || p.state == busy
	case evFree:
		return p.active == 1
	case evQuiet:
		return !p.loading && p.active == 0
	}
	return true
}

func (p *process) happen(e event) string {
	was := p.state
	next, effects, ok := table.Step(was, e)
	p.state = next
	switch e {
	case evLoaded, evFailed:
		p.loading = false
	case evTake:
		if p.active++; !ok {
			return "a request begins in a worker that takes none"
		}
	case evFree:
		p.active--
	}
	for _, d := range effects {
		if p.done[d]++; p.done[d] > 1 {
			return "twice: " + string(d)
		}
	}
	switch {
	case was == stopped && ok:
		return "something happens after the report"
	case was == draining && next != draining && next != stopped:
		return "it comes back from a stop"
	case e == evStop && (p.done[doAck] != 1 || p.done[doCancel] != 1):
		return "a stop is not acknowledged, or nothing is cancelled"
	case p.done[doReport] > 0 && (p.done[doAck] == 0 || p.loading || p.active > 0):
		return "it reports though it was not asked, or the engine still runs"
	case e == evQuiet && was == draining && p.done[doReport] != 1:
		return "it is quiet and does not report"
	case (next == idle) != (was == idle) && next == idle && p.active > 0, next == busy && p.active == 0:
		return "idle and busy are mixed up"
	case p.done[doTellLoaded]+p.done[doTellFailed] > 1:
		return "the load ended twice"
	}
	return ""
}

func TestAWorkersLifeWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &process{state: loading, loading: true, done: map[effect]int{}}
		var trace []event
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			e := rapid.SampledFrom([]event{evLoaded, evFailed, evTake, evFree, evStop, evQuiet}).Filter(p.can).Draw(t, "event")
			trace = append(trace, e)
			if wrong := p.happen(e); wrong != "" {
				t.Fatalf("%s: %v > %s", wrong, trace, p.state)
			}
		}
		// Whatever came before: asked to stop, and quiet, it reports.
		if p.loading {
			p.happen(evFailed)
		}
		p.active = 0
		p.happen(evStop)
		p.happen(evQuiet)
		if p.state != stopped || p.done[doReport] != 1 {
			t.Fatalf("no report: %v, then a stop > %s", trace, p.state)
		}
	})
}
