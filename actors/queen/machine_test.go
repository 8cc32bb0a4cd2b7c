package queen

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAHivesLifeWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, done, stopped := reaching, map[effect]int{}, false
		var trace []event
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			e := rapid.SampledFrom([]event{evReached, evUnreached, evUp, evStop, evLost, evDown}).Draw(t, "event")
			trace = append(trace, e)
			was := s
			next, effects, ok := table.Step(was, e)
			s = next
			stopped = stopped || e == evStop
			for _, d := range effects {
				if done[d]++; done[d] > 1 && (d != doStopLink || was != lost) {
					t.Fatalf("%s twice: %v", d, trace)
				}
			}
			has := func(d effect) bool { return slices.Contains(effects, d) }
			switch {
			case was == gone && ok:
				t.Fatalf("something happens to a hive that is gone: %v", trace)
			case has(doForward) && stopped:
				t.Fatalf("requests are forwarded to a hive that stops: %v", trace)
			case (has(doForward) || has(doStopLink)) && done[doAttach] != 1:
				t.Fatalf("a hive without a link is spoken to: %v", trace)
			case e == evStop && (was == starting || was == serving) && !has(doStopLink), e == evStop && was == reaching && !has(doCancel):
				t.Fatalf("it is to stop, and does not hear of it: %v", trace)
			case has(doLose) && !has(doRetire):
				t.Fatalf("its requests are told before its node is free for a new life: %v", trace)
			case (s == gone || s == lost) && (done[doRetire] != 1 || done[doLose] != 1):
				t.Fatalf("it is out of reach, and somebody still waits for it: %v", trace)
			case (s == gone) != (done[doForget] == 1):
				t.Fatalf("it is forgotten when it is gone, and not before: %v", trace)
			}
		}
	})
}

// A link says that its child is gone whatever came before; the queen must believe it in every state.
func TestAHiveWithALinkIsGoneWhenTheLinkSaysSo(t *testing.T) {
	for _, s := range []state{starting, serving, stopping, lost} {
		if next, _, ok := table.Step(s, evDown); !ok || next != gone {
			t.Errorf("%s: down leads to %s", s, next)
		}
	}
}
