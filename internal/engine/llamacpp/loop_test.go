package llamacpp

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
	"rbee/internal/models/demo"
)

// openModel loads the demo model without its loop: the test is the loop.
func openModel(t *testing.T, o engine.LoadOptions) *model {
	t.Helper()
	dir, err := enginelib.Find(os.Getenv, "../../../bin/llm-worker-rbee")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	o.Path = filepath.Join(t.TempDir(), "demo.gguf")
	if err := demo.Write(o.Path); err != nil {
		t.Fatal(err)
	}
	if err := checkOptions(&o); err != nil {
		t.Fatal(err)
	}
	dev, err := findDevice("", devices(), "")
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	m := newModel()
	if err := m.open(o, dev); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.free()
		runtime.UnlockOSThread()
	})
	return m
}

// seat gives a request a slot.
func seat(t *testing.T, m *model, prompt string, tokens int) *sequence {
	t.Helper()
	r := engine.Request{Prompt: prompt, MaxTokens: tokens, IgnoreEOS: true}
	ids, err := m.tokenize(r)
	if err != nil {
		t.Fatal(err)
	}
	s := newSequence(r, ids, tokens, time.Now())
	m.enter(s)
	return s
}

// text takes what has been sent to s so far.
func text(s *sequence) string {
	var b strings.Builder
	for {
		select {
		case e, ok := <-s.events:
			b.WriteString(e.Text)
			if !ok {
				return b.String()
			}
		default:
			return b.String()
		}
	}
}

// play makes steps until all sequences are done; between is called before each, with the flag lowered.
func play(m *model, seqs []*sequence, between func()) []string {
	out := make([]string, len(seqs))
	for len(m.active) > 0 {
		m.dropCancelled()
		m.closeRanks()
		if m.fill() {
			between()
			m.step()
		}
		for i, s := range seqs {
			out[i] += text(s)
		}
	}
	return out
}

const longPrompt = "once upon a time there was a small llama who wanted to see the whole world, and once upon a time there was a bee. " +
	"hello there, friend. how can the tiny llama help you today? count to ten: one two three four five six seven eight nine ten."

func TestAnAbortedStepIsUndoneAndMadeAgain(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 2})
	begin := func() []*sequence {
		return []*sequence{seat(t, m, longPrompt, 60), seat(t, m, "hello world", 60)}
	}
	want := play(m, begin(), func() {})

	// Refused before its first operation: every step, once.
	refuse, aborted := false, 0
	got := play(m, begin(), func() {
		if refuse = !refuse; refuse {
			m.abort.raise()
			aborted++
		}
	})
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%d steps aborted at their beginning: %q, want %q", aborted, got, want)
	}

	// Aborted anywhere in the middle: the memory may hold a part of the step.
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				for range rand.IntN(200_000) { // some 0-100 us of arithmetic: a timer is too coarse
					runtime.KeepAlive(m)
				}
				m.abort.raise()
			}
		}
	}()
	got = play(m, begin(), func() {})
	close(stop)
	<-done
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("steps aborted in the middle: %q, want %q", got, want)
	}
	if m.undone <= aborted {
		t.Errorf("%d steps undone, %d of them at their beginning: none was aborted in the middle", m.undone, aborted)
	}
}

// A recurrent model's memory cannot forget its newest part: it forgets all and is fed again.
func TestASequenceFedAgainFromItsFirstTokenAnswersTheSame(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512})
	want := play(m, []*sequence{seat(t, m, longPrompt, 40)}, func() {})[0]
	n := 0
	s := seat(t, m, longPrompt, 40)
	got := play(m, []*sequence{s}, func() {
		if n++; n%10 == 0 {
			m.forget(s)
			m.batch.clear()
			m.fill()
		}
	})[0]
	if got != want || n < 40 {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestACancelledSequenceLeavesBeforeTheNextStep(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 2})
	gone, stays := seat(t, m, longPrompt, 100), seat(t, m, "hello world", 10)
	m.fill()
	m.step()
	gone.cancelled.Store(true)
	m.dropCancelled()
	m.fill()
	if len(m.batch.parts) != 1 || m.batch.parts[0].s != stays {
		t.Errorf("%d sequences in the step after the cancel", len(m.batch.parts))
	}
	if text(gone); gone.err != context.Canceled || len(m.slots) != 1 {
		t.Errorf("error %v, %d free slots", gone.err, len(m.slots))
	}
	play(m, []*sequence{stays}, func() {})
}

func TestASlowCallerIsLeftOutOfTheSteps(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 2})
	slow, quick := seat(t, m, "hello world", 200), seat(t, m, "hello world", 200)
	var got string
	for range 300 {
		m.dropCancelled()
		if m.fill() {
			m.step()
		}
		got += text(quick)
	}
	if quick.result.CompletionTokens != 200 {
		t.Errorf("the quick one has %d of 200 tokens", quick.result.CompletionTokens)
	}
	if n := slow.result.CompletionTokens; n == 0 || n > eventsAhead || !slow.waiting.Load() {
		t.Errorf("the slow one has %d tokens that nobody took", n)
	}
	if all := play(m, []*sequence{slow}, func() {})[0]; all != got {
		t.Errorf("%q, want %q", all, got)
	}
}

func TestAnswerLimit(t *testing.T) {
	for _, c := range []struct {
		prompt, most, size, want int
		code                     fault.Code
	}{
		{10, 5, 100, 5, ""},
		{10, 0, 100, 90, ""},
		{10, 90, 100, 90, ""},
		{10, 91, 100, 0, fault.ContextOverflow},
		{100, 0, 100, 0, fault.ContextOverflow},
		{99, 0, 100, 1, ""},
		{10, -1, 100, 0, fault.InvalidRequest},
	} {
		got, err := answerLimit(c.prompt, c.most, c.size)
		if got != c.want || fault.CodeOf(err) != c.code {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

// In any other order llama.cpp computes them one after the other: eight streams are then as slow as eight times one.
func TestAStepIsInTheOrderOfTheSlots(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 4})
	prompts := []string{longPrompt, longPrompt[20:], longPrompt[40:], longPrompt[60:]}
	for range 3 { // each goes back to its slot, in whatever order they come
		var seqs []*sequence
		for _, i := range rand.Perm(len(prompts)) {
			seqs = append(seqs, seat(t, m, prompts[i], 20))
		}
		play(m, seqs, func() {
			for i, p := range m.batch.parts[1:] {
				if p.s.slot.id <= m.batch.parts[i].s.slot.id {
					t.Fatalf("slot %d comes after slot %d", p.s.slot.id, m.batch.parts[i].s.slot.id)
				}
			}
		})
	}
}
