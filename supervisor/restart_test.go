package supervisor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A history is played as the lengths of lives; each line says what followed the death at its end.
func TestRestartPolicy(t *testing.T) {
	const middle = 0.5 // no jitter: the factor is 1
	s, ms := time.Second, time.Millisecond
	for _, c := range []struct {
		name  string
		lives []time.Duration
		wants string // the waits, "no" for the end
	}{
		{"early deaths double the wait, the sixth is the end", []time.Duration{0, 0, 0, 0, 0, 0}, "250ms 500ms 1s 2s 4s no"},
		{"after the end it stays the end", []time.Duration{0, 0, 0, 0, 0, 0, 99 * time.Hour}, "250ms 500ms 1s 2s 4s no no"},
		{"deaths outside the window do not count", []time.Duration{70 * s, 70 * s, 70 * s, 70 * s, 70 * s, 70 * s, 70 * s, 70 * s, 70 * s, 70 * s},
			"250ms 500ms 1s 2s 4s 8s 16s 30s 30s 30s"},
		{"a life of the window's length starts afresh", []time.Duration{0, 0, 5 * time.Minute, 0, 299 * s, 0}, "250ms 500ms 250ms 500ms 1s 2s"},
		{"a long first life is a good one as well", []time.Duration{time.Hour, 10 * ms}, "250ms 500ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h Lives
			var v Verdict
			now := time.Unix(1e9, 0)
			var got []string
			for _, life := range c.lives {
				now = now.Add(life)
				h, v = DefaultRestartPolicy.Died(h, now, "signal: killed", middle)
				if v.Again {
					got = append(got, v.Wait.String())
					now = now.Add(v.Wait)
				} else {
					got = append(got, "no")
				}
			}
			if strings.Join(got, " ") != c.wants {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.wants)
			}
		})
	}
}

func TestGivingUpTellsHowOftenInWhatTimeAndWhy(t *testing.T) {
	var h Lives
	var v Verdict
	now := time.Unix(1e9, 0)
	for i := range 6 {
		h, v = DefaultRestartPolicy.Died(h, now.Add(time.Duration(i)*time.Second), fmt.Sprintf("exit %d", i), 0)
	}
	if want := "died 6 times in 5s, at last: exit 5"; v.Reason != want || h.GaveUp() != want {
		t.Errorf("reason %q, kept %q, want %q", v.Reason, h.GaveUp(), want)
	}
}

func TestJitterSpreadsFromHalfToOneAndAHalf(t *testing.T) {
	for _, c := range []struct {
		chance float64
		want   time.Duration
	}{{0, 125 * time.Millisecond}, {0.5, 250 * time.Millisecond}, {0.999999999, 375 * time.Millisecond}} {
		_, v := DefaultRestartPolicy.Died(Lives{}, time.Unix(1e9, 0), "x", c.chance)
		if v.Wait.Round(time.Microsecond) != c.want {
			t.Errorf("chance %v: %v, want %v", c.chance, v.Wait, c.want)
		}
	}
}

// Whatever the lives: the waits stay in bounds, no window holds more restarts than allowed, and an older history
// is not changed by what is computed from it.
func TestRestartsStayInBounds(t *testing.T) {
	p := DefaultRestartPolicy
	rapid.Check(t, func(t *rapid.T) {
		var h Lives
		now := time.Unix(1e9, 0)
		var deaths []time.Time
		for i := range rapid.IntRange(1, 60).Draw(t, "deaths") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*p.Window)).Draw(t, "life")))
			chance := rapid.Float64Range(0, 0.999).Draw(t, "chance")
			older := fmt.Sprint(h)
			next, v := p.Died(h, now, "x", chance)
			if fmt.Sprint(h) != older {
				t.Fatalf("history changed from %s to %v", older, h)
			}
			deaths = append(deaths, now)
			recent := 0
			for _, d := range deaths {
				if now.Sub(d) < p.Window {
					recent++
				}
			}
			if v.Again != (recent <= p.Deaths) {
				t.Fatalf("death %d: %d in the window, again = %v", i, recent, v.Again)
			}
			if !v.Again {
				if v.Reason == "" || next.GaveUp() != v.Reason {
					t.Fatalf("gave up without a reason: %+v", v)
				}
				return
			}
			if v.Wait < p.First/2 || v.Wait > p.Max*3/2 {
				t.Fatalf("wait %v", v.Wait)
			}
			h, now = next, now.Add(v.Wait)
		}
	})
}

func TestWhatWasGivenUpIsForgivenAfterTheWindow(t *testing.T) {
	now := time.Unix(1e9, 0)
	var h Lives
	for range DefaultRestartPolicy.Deaths + 1 {
		h = DefaultRestartPolicy.Forgiven(h, now) // changes nothing of a life that goes on
		h, _ = DefaultRestartPolicy.Died(h, now, "signal: killed", 0)
	}
	if h = DefaultRestartPolicy.Forgiven(h, now.Add(DefaultRestartPolicy.Window-1)); h.GaveUp() == "" {
		t.Error("forgiven too early")
	}
	h = DefaultRestartPolicy.Forgiven(h, now.Add(DefaultRestartPolicy.Window))
	if _, v := DefaultRestartPolicy.Died(h, now.Add(DefaultRestartPolicy.Window), "again", 0.5); h.GaveUp() != "" || !v.Again || v.Wait != DefaultRestartPolicy.First {
		t.Errorf("%q, %+v", h.GaveUp(), v)
	}
}
