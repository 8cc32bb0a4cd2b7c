package supervisor

import (
	"fmt"
	"time"
)

// RestartPolicy says whether and when a child that died gets a new life, one for one: siblings are not touched.
// It is pure: time and chance are arguments, so a test needs neither.
//
// The wait grows so that a child that cannot live does not burn the machine, and is spread by chance so that many
// children that died together do not come back together. The intensity is Erlang's: too many deaths in too short
// a time mean that another life will not help.
type RestartPolicy struct {
	First  time.Duration // wait before the first new life; doubles with each early death
	Max    time.Duration // the longest wait, before jitter
	Deaths int           // that many deaths within Window are answered with a new life; one more is the end
	Window time.Duration // also: a life that lasted so long was a good one, the wait starts again at First
}

// DefaultRestartPolicy is what workers and lost hives get.
var DefaultRestartPolicy = RestartPolicy{
	First: 250 * time.Millisecond, Max: 30 * time.Second, Deaths: 5, Window: 5 * time.Minute,
}

// Lives is the history of one slot, as far as the policy needs it. The zero value is a slot whose first life runs.
type Lives struct {
	deaths []time.Time // within the window, oldest first
	streak int         // early deaths in a row
	began  time.Time   // when the present life was due to start; zero for the first
	gaveUp string      // the reason, once it is over
}

// Verdict is what follows from a death.
type Verdict struct {
	Again  bool
	Wait   time.Duration // with Again
	Reason string        // without: how often it died, and of what the last time
}

// Died records a death at now, of the given cause, and returns the new history and what to do. chance is uniform
// in [0,1) and spreads the wait over 0.5 to 1.5 times its length. Once it said no it says no until it is Forgiven.
func (p RestartPolicy) Died(h Lives, now time.Time, cause string, chance float64) (Lives, Verdict) {
	if h.gaveUp != "" {
		return h, Verdict{Reason: h.gaveUp}
	}
	if !h.began.IsZero() && now.Sub(h.began) >= p.Window {
		h.streak = 0
	}
	h.deaths = append(within(h.deaths, now.Add(-p.Window)), now)
	if n := len(h.deaths); n > p.Deaths {
		h.gaveUp = fmt.Sprintf("died %d times in %s, at last: %s", n, p.span(h.deaths), cause)
		return h, Verdict{Reason: h.gaveUp}
	}
	wait := time.Duration(float64(p.backoff(h.streak)) * (0.5 + chance))
	h.streak++
	h.began = now.Add(wait)
	return h, Verdict{Again: true, Wait: wait}
}

// GaveUp returns the reason why there is no further life, or "".
func (h Lives) GaveUp() string { return h.gaveUp }

// Forgiven returns the history as it counts at now: one that gave up begins anew when the window has passed since its last
// death. Then whoever wants the child need not restart what owns it, and a child that still cannot live costs no more
// than so many deaths in so long a time.
func (p RestartPolicy) Forgiven(h Lives, now time.Time) Lives {
	if n := len(h.deaths); h.gaveUp != "" && n > 0 && now.Sub(h.deaths[n-1]) >= p.Window {
		return Lives{}
	}
	return h
}

// backoff returns the wait before jitter after n early deaths that came before this one.
func (p RestartPolicy) backoff(n int) time.Duration {
	wait := p.First
	for ; n > 0 && wait < p.Max; n-- {
		wait *= 2
	}
	return min(wait, p.Max)
}

func (p RestartPolicy) span(deaths []time.Time) time.Duration {
	return deaths[len(deaths)-1].Sub(deaths[0]).Round(time.Millisecond)
}

// within returns a copy of the times after since, so that an older history stays as it was.
func within(times []time.Time, since time.Time) []time.Time {
	var kept []time.Time
	for _, t := range times {
		if t.After(since) {
			kept = append(kept, t)
		}
	}
	return kept
}
