package hive

import (
	"maps"
	"slices"
	"testing"
)

var everyEvent = []event{evLoaded, evFailed, evStuck, evTake, evFree, evSpent, evIdle, evStall, evStop, evDown}

// worker is a slot as the hive's shell keeps it: what happens depends on the requests that it has.
type worker struct {
	state  state
	active int
	lost   bool // its link was told to stop or kill it
	loaded bool
	done   map[effect]int
}

// can says whether the shell lets that event happen now; everything that comes from outside always may.
func (w *worker) can(e event) bool {
	switch e {
	case evTake: // place.Decide chooses idle and busy workers only
		return w.state == idle || w.state == busy
	case evFree, evSpent:
		return w.active == 1
	case evStall:
		return w.active > 0
	case evIdle: // an old timer: the shell asks for the state
		return w.state == idle
	}
	return true
}

// happen returns what is wrong with the table's answer.
func (w *worker) happen(e event) string {
	if e == evFree || e == evSpent || e == evStall { // stall: its request was settled before
		w.active--
	}
	was := w.state
	next, effects, ok := table.Step(was, e)
	w.state = next
	switch {
	case e == evTake && (!ok || was != idle && was != busy):
		return "a request is given to a worker that takes none"
	case e == evDown && was != gone && (next != gone || !slices.Contains(effects, doRemove)):
		return "a worker that is gone stays in the registry"
	case was == gone && ok:
		return "something happens to a worker that is gone"
	case (next == draining || next == failed) && !slices.ContainsFunc(effects, func(d effect) bool { return d == doStopLink || d == doKillLink }) && !w.lost:
		return "it is to end, and its link does not know"
	case next == idle && was != idle && (!slices.Contains(effects, doArmIdle) || !slices.Contains(effects, doPump)):
		return "a worker becomes idle, and nobody looks at it"
	case next == gone && was != gone && !slices.Contains(effects, doPump):
		return "a slot comes free, and nobody looks at the queue"
	}
	if e == evTake {
		w.active++
	}
	for _, d := range effects {
		w.done[d]++
		switch d {
		case doStopLink, doKillLink:
			w.lost = true
		case doFailOwn:
			if w.loaded {
				return "those that wait get the error of a load that succeeded"
			}
		case doSettle:
			w.active = 0
		}
	}
	w.loaded = w.loaded || next == idle
	switch {
	case next == gone && w.active > 0:
		return "requests of a worker that is gone are not settled"
	case next == gone && was != gone && was != draining && !w.loaded && w.done[doFailOwn] == 0:
		return "it never loaded, and those that wait are not told"
	case w.done[doRemove] > 1 || w.done[doFailOwn] > 1 || w.done[doSettle] > 1 || w.done[doStopLink] > 1:
		return "something is done twice"
	case next == idle && w.active > 0 || next == busy && w.active == 0:
		return "idle and busy are mixed up"
	}
	return ""
}

// Every sequence of up to eight events that the table hears: a random one is mostly over before it is busy.
func TestAWorkersLifeWhateverHappens(t *testing.T) {
	var lives int
	var live func(w worker, trace []event)
	live = func(w worker, trace []event) {
		lives++
		if w.active > 1 { // all but one are released, which the table need not know
			one := w
			one.active = 1
			live(one, trace)
		}
		for _, e := range everyEvent {
			if t.Failed() || !w.can(e) {
				continue
			}
			next := w
			next.done = maps.Clone(w.done)
			then := append(slices.Clone(trace), e)
			if wrong := next.happen(e); wrong != "" {
				t.Errorf("%s: %v > %s", wrong, then, next.state)
			}
			if _, _, heard := table.Step(w.state, e); heard && len(then) < 8 {
				live(next, then)
			}
		}
	}
	live(worker{state: loading, done: map[effect]int{}}, nil)
	t.Logf("%d lives", lives)
}

// Nobody who was told to stop, or failed, takes a request again; and each of them is gone when its link says so.
func TestThereIsNoWayBack(t *testing.T) {
	for _, s := range []state{draining, failed, spent, gone} {
		seen := map[state]bool{}
		for queue := []state{s}; len(queue) > 0; queue = queue[1:] {
			for _, e := range everyEvent {
				next, _, ok := table.Step(queue[0], e)
				if next == idle || next == busy || next == loading || e == evTake && ok {
					t.Errorf("from %s, by %s, to %s", queue[0], e, next)
				}
				if !seen[next] {
					seen[next] = true
					queue = append(queue, next)
				}
			}
		}
		if s != gone && !seen[gone] {
			t.Errorf("no way from %s to the end", s)
		}
	}
}
