package queen

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAHivesLifeWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, done := starting, map[effect]int{}
		var trace []event
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			e := rapid.SampledFrom([]event{evUp, evStop, evDown}).Draw(t, "event")
			trace = append(trace, e)
			was := s
			next, effects, ok := table.Step(was, e)
			s = next
			for _, d := range effects {
				if done[d]++; done[d] > 1 {
					t.Fatalf("%s twice: %v", d, trace)
				}
			}
			switch {
			case was == gone && ok:
				t.Fatalf("something happens to a hive that is gone: %v", trace)
			case was == stopping && slices.Contains(effects, doForward):
				t.Fatalf("requests are forwarded to a hive that stops: %v", trace)
			case e == evStop && was != gone && done[doStopLink] != 1:
				t.Fatalf("it is to stop, and its link does not know: %v", trace)
			case e == evDown && s != gone:
				t.Fatalf("its link says it is gone: %v > %s", trace, s)
			case s == gone && was != gone && !slices.Equal(effects, []effect{doForget, doLose}):
				t.Fatalf("its workers are forgotten first, then its requests are told: %v, not %v", trace, effects)
			}
		}
	})
}
