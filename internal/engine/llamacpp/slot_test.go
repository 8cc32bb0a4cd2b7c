package llamacpp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
)

// ids makes tokens of letters, each letter ten tokens long.
func ids(text string) (t []llama.Token) {
	for _, r := range text {
		for i := range 10 {
			t = append(t, llama.Token(int(r)*100+i))
		}
	}
	return t
}

func TestASeatIsChosenByWhatItHolds(t *testing.T) {
	// A slot is written as what it holds and when it was left; "*" = somebody sits there.
	for _, c := range []struct {
		name, slots, prompt, want string
	}{
		{"nothing held: the one never used", "- - -", "abc", "0<0 0"},
		{"nothing alike: the one left longest ago", "xyz3 uvw1 rst2", "abc", "1<1 0"},
		{"it was there before", "xyz1 abc2", "abcdef", "1<1 30"},
		{"a turn of the conversation more", "abcdef1 abc2", "abcdefgh", "0<0 60"},
		{"the same again", "abc1 xyz2", "abc", "0<0 30"},
		{"a short beginning of another conversation is copied", "abcdefgh2 xyz1", "abcxyz", "1<0 30"},
		{"the only free one is taken as it is", "abcdefgh1 xyz*", "abcxyz", "0<0 30"},
		{"of somebody who is answering", "abcdef* -", "abcx", "1<0 30"},
		{"a copy that gains little is not made", "abcd* abc1", "abcdef", "1<1 30"},
		{"a copy goes to the one left longest ago", "abcd* xyz3 uvw2 rst1", "abce", "3<0 30"},
		{"beside who is answering, of the half left longest ago", "xyz1 uvw2 rst* opq3 lmn4 ijk5", "abc", "1<1 0"},
		{"not where the last one was", "xyz1 uvw2 rst3 opq4 lmn*", "abc", "0<0 0"},
		{"a gap left of late is kept", "xyz1 uvw* rst3 opq* lmn2 ijk4", "abc", "0<0 0"},
		{"a gap left long ago is filled", "xyz4 uvw* rst2 opq* lmn1", "abc", "2<2 0"},
		{"of those never used, the one that fills a gap", "xyz* - uvw* - -", "abc", "1<1 0"},
		{"a copy goes beside who is answering", "abcd* xyz2 uvw1 rst4", "abce", "1<0 30"},
		{"a copy for two letters", "ab* -", "ab", "1<0 20"},
	} {
		var all []*slot
		for i, f := range strings.Fields(c.slots) {
			s := &slot{id: llama.SeqId(i)}
			switch {
			case f == "-":
			case strings.HasSuffix(f, "*"):
				held := ids(f[:len(f)-1])
				s.user = &sequence{tokens: held, fed: len(held)}
			default:
				s.kept, s.left = ids(f[:len(f)-1]), int(f[len(f)-1]-'0')
			}
			all = append(all, s)
		}
		p := planSeat(all, ids(c.prompt), 11)
		if got := fmt.Sprintf("%d<%d %d", p.to.id, p.from.id, p.n); got != c.want {
			t.Errorf("%s: %s for %s: %s, want %s", c.name, c.slots, c.prompt, got, c.want)
		}
		if p = planSeat(all, ids(c.prompt), 0); p.to != p.from || p.n != p.to.match(ids(c.prompt)) && p.n != 0 {
			t.Errorf("%s: without copies %d<%d %d", c.name, p.to.id, p.from.id, p.n)
		}
	}
}

func TestAPromptIsNotComputedTwice(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 3})
	want := play(m, []*sequence{seat(t, m, longPrompt, 60)}, func() {})[0]

	s := seat(t, m, longPrompt, 60)
	fed := 0
	if got := play(m, []*sequence{s}, func() { fed += int(m.batch.native.NTokens) })[0]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if s.result.CachedTokens != s.prompt-1 || fed != 60 {
		t.Errorf("%d of %d prompt tokens were not computed, %d tokens fed for 60", s.result.CachedTokens, s.prompt, fed)
	}

	// From a slot whose user is still answering, in two more.
	first := seat(t, m, longPrompt, 60)
	for range 10 {
		m.fill()
		m.step()
	}
	second, third := seat(t, m, longPrompt, 60), seat(t, m, longPrompt, 60)
	for i, got := range play(m, []*sequence{first, second, third}, func() {}) {
		if got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	if second.result.CachedTokens != s.prompt-1 || third.result.CachedTokens != s.prompt-1 || second.slot == third.slot {
		t.Errorf("copied %d and %d of %d", second.result.CachedTokens, third.result.CachedTokens, s.prompt)
	}
}

func TestAnotherEndOfTheSamePromptIsAnsweredAsIfAlone(t *testing.T) {
	prompts := []string{longPrompt + " hello world", longPrompt + " once upon a time", longPrompt[:150], longPrompt + " count to ten: one two", longPrompt}
	alone := make([]string, len(prompts))
	for i, p := range prompts {
		fresh := openModel(t, engine.LoadOptions{Context: 512})
		alone[i] = play(fresh, []*sequence{seat(t, fresh, p, 50)}, func() {})[0]
	}
	for slots := 1; slots <= 3; slots++ {
		m := openModel(t, engine.LoadOptions{Context: 512, Slots: slots})
		cached := 0
		for i := range 3 * len(prompts) {
			at := i * 3 % len(prompts)
			s := seat(t, m, prompts[at], 50)
			if got := play(m, []*sequence{s}, func() {})[0]; got != alone[at] {
				t.Errorf("%d slots, request %d, %d tokens cached: %q, want %q", slots, i, s.result.CachedTokens, got, alone[at])
			}
			cached += s.result.CachedTokens
		}
		if cached < 500 {
			t.Errorf("%d slots: only %d tokens were cached", slots, cached)
		}
	}
}

// Whatever ended a request, what its slot is believed to hold is what it holds.
func TestWhatIsKeptIsRightHoweverARequestEnded(t *testing.T) {
	fresh := openModel(t, engine.LoadOptions{Context: 512})
	want := play(fresh, []*sequence{seat(t, fresh, longPrompt, 60)}, func() {})[0]
	m := openModel(t, engine.LoadOptions{Context: 512})
	for steps := range 8 { // cancelled after so many steps, the last of them aborted; prefill is one or two
		s := seat(t, m, longPrompt, 60)
		for i := range steps + 1 {
			m.dropCancelled()
			if i == steps {
				m.abort.raise()
			}
			m.fill()
			m.step()
		}
		if m.undone == 0 {
			t.Fatal("no step was aborted")
		}
		s.cancelled.Store(true)
		m.dropCancelled()
		s = seat(t, m, longPrompt, 60)
		if got := play(m, []*sequence{s}, func() {})[0]; got != want {
			t.Errorf("after a cancel at step %d, %d tokens cached: %q, want %q", steps, s.result.CachedTokens, got, want)
		}
		m.forget(&sequence{slot: m.all[0]}) // begin anew
		m.all[0].kept = nil
	}
}

func TestAModelThatCannotForgetAPartIsFedFromTheFirstToken(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512})
	want := play(m, []*sequence{seat(t, m, longPrompt, 40)}, func() {})[0]
	m.forget(&sequence{slot: m.all[0]}) // what is kept is not there: the memory says so
	s := seat(t, m, longPrompt, 40)
	if s.result.CachedTokens != 0 {
		t.Errorf("%d tokens are believed to be there", s.result.CachedTokens)
	}
	if got := play(m, []*sequence{s}, func() {})[0]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPromptsAreReadInTurns(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 2048, Slots: 4})
	m.chunk = 16
	long := seat(t, m, strings.Repeat("once upon a time there was a small llama. ", 40), 1)
	other := seat(t, m, strings.Repeat("hello there, friend. ", 60), 1)
	answering := seat(t, m, "hello world", 200)
	m.fill()
	m.step()
	short := seat(t, m, "count to ten", 1)
	steps := 0
	for !short.result.FirstToken.After(short.asked) {
		before := answering.result.CompletionTokens
		m.fill()
		m.step()
		text(answering)
		text(long)
		text(other)
		if steps++; steps > 4 {
			t.Fatalf("the short prompt waits behind the long ones: %d and %d tokens of them were read", long.fed, other.fed)
		}
		if before > 0 && answering.result.CompletionTokens != before+1 {
			t.Error("a step left out who is answering")
		}
	}
	if d := long.fed - other.fed; d < -40 || d > 40 {
		t.Errorf("of the long prompts %d and %d tokens were read", long.fed, other.fed)
	}
	for _, s := range []*sequence{long, other, answering} {
		s.cancelled.Store(true)
	}
	m.dropCancelled()
}
