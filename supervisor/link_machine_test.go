package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// timers says which event each timer becomes.
var timers = map[linkEffect]linkEvent{
	doAckTimer: evNoAck, doBudget: evOverdue, doLinger: evLingers, doFade: evFaded, doProof: evUnproven,
}

// model is a link as the table and its shell see it, with a child and a kernel that do what they like. It is
// comparable, so that every one that can be reached can be visited.
type model struct {
	state        linkState
	late         bool // the timer that runs from the start
	noAck        bool
	overdue      bool
	lingers      bool
	faded        bool
	unproven     bool
	exited       bool // the kernel said so
	closed       bool // the stream is over
	closing      bool // and its end was ordered
	sweeping     bool
	toDie        bool // stopped, killed or lost: it must end now, whatever the child does
	announced    bool
	shutdown     bool
	acknowledged bool // after Shutdown
	reported     bool
	downs        int
}

func newborn() model { return model{state: starting, late: true} }

func (m *model) timer(e linkEvent) *bool {
	return map[linkEvent]*bool{evLate: &m.late, evNoAck: &m.noAck, evOverdue: &m.overdue, evLingers: &m.lingers,
		evFaded: &m.faded, evUnproven: &m.unproven}[e]
}

// can lists what may happen next. events are the child's and the owner's; the rest comes from the shell.
func (m model) can() (all, certain []linkEvent) {
	for _, r := range linkTable.Rules() {
		e := r.On
		switch {
		case slices.Contains(all, e):
		case m.timer(e) != nil:
			if *m.timer(e) {
				all, certain = append(all, e), append(certain, e)
			}
		case e == evSwept:
			if m.sweeping {
				all, certain = append(all, e), append(certain, e)
			}
		case e == evGone: // follows from the others
		case e == evExit:
			if !m.exited {
				all = append(all, e)
			}
		case e == evLost:
			if !m.closed {
				if all = append(all, e); m.closing {
					certain = append(certain, e)
				}
			}
		default:
			all = append(all, e)
		}
	}
	return all, certain
}

// happen is the shell's part: it returns what is wrong with what the table answered, or "".
func (m *model) happen(e linkEvent) (wrong string) {
	if t := m.timer(e); t != nil {
		*t = false
	}
	switch e {
	case evExit:
		m.exited = true
	case evLost:
		m.closed = true
	case evSwept:
		m.sweeping = false
	case evAck:
		m.acknowledged = m.acknowledged || m.shutdown
	}
	wrong = m.step(e)
	if m.exited && m.closed && wrong == "" {
		wrong = m.step(evGone)
	}
	return wrong
}

func (m *model) step(e linkEvent) string {
	next, effects, ok := linkTable.Step(m.state, e)
	if !ok {
		return ""
	}
	if m.state == down {
		return fmt.Sprintf("%s after the end", e)
	}
	m.state = next
	m.reported = m.reported || e == evReport
	switch e {
	case evStop, evKill, evLost, evExit, evLate, evHung, evReport:
		m.toDie = true
	}
	for _, do := range effects {
		if t, ok := timers[do]; ok {
			*m.timer(t) = true
		}
		switch do {
		case doAnnounce:
			if m.announced || m.toDie {
				return "LinkUp twice, or of a child that is to die"
			}
			m.announced = true
		case doShutdown:
			if m.shutdown || m.exited {
				return "Shutdown twice, or to nobody"
			}
			m.shutdown = true
		case doTerm:
			if m.acknowledged || m.reported || !m.shutdown || m.exited {
				return "TERM to a child that answered, was not asked, or is gone"
			}
		case doKill: // the shell drops it once the exit was seen
			if m.downs > 0 || m.sweeping {
				return "KILL after the end"
			}
		case doClose:
			m.closing = true
		case doTidy, doSweep:
			if !m.exited && e != evUnproven && e != evOverdue {
				return "a sweep below a child that may live"
			}
			m.sweeping = true
		case doSend:
			m.downs++
		}
	}
	switch {
	case m.downs > 1:
		return "LinkDown twice"
	case (m.state == down) != (m.downs == 1):
		return "LinkDown is not sent with the end"
	case m.toDie && m.state == up:
		return "up, though it is to die"
	}
	return ""
}

func TestALinkSaysDownOnceWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newborn()
		var trace []string
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			all, _ := m.can()
			e := rapid.SampledFrom(all).Draw(t, "event")
			trace = append(trace, string(e)+" > ")
			if wrong := m.happen(e); wrong != "" {
				t.Fatalf("%s: %s%s", wrong, strings.Join(trace, ""), m.state)
			}
		}
	})
}

// Every configuration that can be reached at all is visited. From each in which the child is to end, the end comes
// by what is certain to happen: timers fire, an ordered close is done, a sweep returns. The child may stay silent,
// and the kernel may not even end it. From each other one, the owner's stop leads there.
func TestALinkEndsHoweverTheChildBehaves(t *testing.T) {
	ends := map[model]bool{}
	var mustEnd func(m model, trace string) bool
	mustEnd = func(m model, trace string) bool {
		if done, known := ends[m]; known || m.state == down {
			return done || m.state == down
		}
		_, certain := m.can()
		if len(certain) == 0 {
			t.Errorf("nothing is certain to end %+v: %s", m, trace)
		}
		all := len(certain) > 0
		for _, e := range certain {
			next := m
			if wrong := next.happen(e); wrong != "" {
				t.Errorf("%s: %s > %s", wrong, trace, e)
			}
			all = mustEnd(next, trace+" > "+string(e)) && all
		}
		ends[m] = all
		return all
	}
	seen := map[model]string{newborn(): ""}
	states := map[linkState]bool{}
	for queue := []model{newborn()}; len(queue) > 0; queue = queue[1:] {
		m := queue[0]
		states[m.state] = true
		dying := m
		if !m.toDie {
			dying.happen(evStop)
		}
		if !mustEnd(dying, seen[m]+" (stop)") {
			t.Fatalf("%+v does not end: %s", m, seen[m])
		}
		all, _ := m.can()
		for _, e := range all {
			next := m
			if wrong := next.happen(e); wrong != "" {
				t.Fatalf("%s: %s > %s", wrong, seen[m], e)
			}
			if _, known := seen[next]; !known {
				seen[next] = seen[m] + " > " + string(e)
				queue = append(queue, next)
			}
		}
	}
	for _, r := range linkTable.Rules() {
		if !states[r.From] {
			t.Errorf("the state %s is never reached", r.From)
		}
	}
	t.Logf("%d configurations in %d states", len(seen), len(states))
}

// A timer that is armed on the way into a state is there for that state.
func TestEveryTimerIsHeardWhereItIsArmed(t *testing.T) {
	for _, r := range linkTable.Rules() {
		for _, do := range r.Do {
			if strings.HasSuffix(string(do), "-timer") && timers[do] == "" {
				t.Errorf("no event is known for %s", do)
			}
			if e, ok := timers[do]; ok {
				if _, _, heard := linkTable.Step(r.To, e); !heard {
					t.Errorf("%s on %s arms %s, and %s does not hear %s", r.From, r.On, do, r.To, e)
				}
			}
		}
	}
	for _, s := range []linkState{starting, unborn} {
		if _, _, heard := linkTable.Step(s, evLate); !heard {
			t.Errorf("%s does not hear that the start takes too long", s)
		}
	}
}

// Until its end is known to be near, a child can always be killed.
func TestKillIsHeardInEveryLivingState(t *testing.T) {
	for _, r := range linkTable.Rules() {
		if r.From == sweeping {
			continue
		}
		next, do, heard := linkTable.Step(r.From, evKill)
		if !heard || next != ending || !slices.Contains(do, doKill) {
			t.Errorf("%s on kill: %s %v", r.From, next, do)
		}
	}
}
