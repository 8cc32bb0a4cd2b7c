package llamacpp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
)

func TestWhoMakesAGroupMoreMovesToAnother(t *testing.T) {
	// "*" = somebody sits there, "+" = somebody who is about to leave; a number = free, when it was left.
	for _, c := range []struct{ name, slots, want string }{
		{"nobody is there", "0 0 0", ""},
		{"one is alone anyway", "* 0 0", ""},
		{"all are beside each other", "0 * * * 0", ""},
		{"the one outside goes to the others", "* 9 * * 0 0", "0>4"},
		{"the gap was left long ago", "* 1 * * 9 8", "0>1"},
		{"to between two", "* 1 * 3 0 9 * 7 8", "6>1"},
		{"from an end into the gap", "* * 0 * *", "0>2"},
		{"two pairs stay if there is no such place", "* * 9 9 * * 0", ""},
		{"who is about to leave stays", "+ 9 * * 0 0", ""},
		{"the place beside oneself is no better", "* 0 0 * 9 9 9", "3>1"},
		{"only where of late somebody left", "* 5 * 1 0", "0>3"},
	} {
		var all []*slot
		for i, f := range strings.Fields(c.slots) {
			s := &slot{id: llama.SeqId(i)}
			switch f {
			case "*", "+":
				s.user = &sequence{limit: map[string]int{"*": 100}[f]}
			default:
				fmt.Sscan(f, &s.left)
			}
			all = append(all, s)
		}
		got := ""
		if from, to := planMove(all, func(s *sequence) bool { return s.limit > 0 }); from != nil {
			got = fmt.Sprintf("%d>%d", from.id, to.id)
		}
		if got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.name, c.slots, got, c.want)
		}
	}
}

// Everybody comes with another length of answer, so gaps open all the time, and the moves must not change a letter.
func TestAMoveInTheMiddleOfAnAnswerChangesNothing(t *testing.T) {
	prompts := []string{longPrompt, "hello world", "once upon a time", "count to ten", longPrompt[:80]}
	want := make([]string, len(prompts))
	for i, p := range prompts {
		fresh := openModel(t, engine.LoadOptions{Context: 512})
		want[i] = play(fresh, []*sequence{seat(t, fresh, p, 200)}, func() {})[0]
	}
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 6})
	type one struct {
		*sequence
		prompt int
		at     *slot
		said   string
	}
	var here []*one
	begun, moves := 0, 0
	for begun < 40 || len(m.active) > 0 {
		for begun < 40 && len(m.active) < 4 {
			i := begun % len(prompts)
			s := seat(t, m, prompts[i], 60+17*begun%120)
			here = append(here, &one{sequence: s, prompt: i, at: s.slot})
			begun++
		}
		m.closeRanks()
		if !slices.IsSortedFunc(m.active, func(a, b *sequence) int { return int(a.slot.id - b.slot.id) }) {
			t.Fatal("a step would be out of order")
		}
		m.fill()
		m.step()
		for _, s := range here {
			if s.said += text(s.sequence); s.slot != s.at {
				s.at = s.slot
				moves++
			}
		}
	}
	for i, s := range here {
		if !strings.HasPrefix(want[s.prompt], s.said) || len(s.said) < 50 {
			t.Errorf("%d: %q is no beginning of %q", i, s.said, want[s.prompt])
		}
	}
	if moves < 5 {
		t.Errorf("only %d moves: the case is not seen", moves)
	}
	if len(m.slots) != 6 {
		t.Errorf("%d slots are free at the end", len(m.slots))
	}
}
