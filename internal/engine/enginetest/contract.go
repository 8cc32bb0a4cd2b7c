package enginetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// CancelLimit is how long an engine may take to stop after a cancel, on a busy test machine. The product's figure
// is 50 ms; the contract allows what a loaded two-core machine adds.
const CancelLimit = 250 * time.Millisecond

// Contract is what every engine must do, run against the engine that open returns and the model at modelPath. The
// model must answer "hello world" with at least 8 tokens when end of text is ignored, the same each time at
// temperature 0, and hold a context of 256.
func Contract(t *testing.T, open func(t *testing.T) engine.Engine, modelPath string) {
	load := func(t *testing.T, o engine.LoadOptions) engine.Model {
		t.Helper()
		o.Path = modelPath
		m, err := open(t).Load(context.Background(), o)
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	t.Run("engine names itself and its devices, the CPU first", func(t *testing.T) { engineDescribesItself(t, open(t)) })
	t.Run("load refuses what it cannot load", func(t *testing.T) { loadRefuses(t, open(t), modelPath) })
	t.Run("load reports progress to the end", func(t *testing.T) { loadReportsProgress(t, open(t), modelPath) })
	t.Run("load obeys its context", func(t *testing.T) { loadObeysContext(t, open(t), modelPath) })
	t.Run("defaults are one slot and a context the model knows", func(t *testing.T) {
		i := load(t, engine.LoadOptions{}).Info()
		if i.Slots != 1 || i.Threads < 1 || i.Context < 1 || i.Context > i.ContextTrained || i.Context > 4096 {
			t.Errorf("info is %+v", i)
		}
	})

	small := engine.LoadOptions{Context: 256, Slots: 2}
	for _, c := range []struct {
		name string
		test func(*testing.T, engine.Model)
	}{
		{"events come in order and the result counts them", eventsAndResult},
		{"greedy answers repeat", greedyRepeats},
		{"the answer ends at max tokens", endsAtMaxTokens},
		{"without a limit the answer ends when the context is full", endsWhenFull},
		{"more than the context holds is refused with both numbers", overflowIsRefused},
		{"fields out of range are refused", badFieldsAreRefused},
		{"none of a stop string is emitted", stopStringEndsTheAnswer},
		{"what only began like a stop string is emitted", partialStopIsReleased},
		{"cancel while decoding", cancelWhileDecoding},
		{"a context that is done already", cancelledBefore},
		{"an error from emit ends the answer", emitErrorEnds},
		{"concurrent answers are not mixed", concurrentAnswers},
		{"a request waits for a slot and can be cancelled there", waitsForSlot},
		{"a slow caller holds up nobody", slowCallerAlone},
		{"cancel of one leaves the other's text alone", cancelOneOfTwo},
		{"a prompt may be tokens", promptOfTokens},
		{"sampling out of range is refused", samplingIsChecked},
		{"forbidden tokens are not picked", forbiddenTokensAreNotPicked},
		{"log probabilities are of the tokens", logprobsAreOfTheTokens},
		{"answers follow their grammar", answersFollowTheirGrammar},
		{"a prompt seen before is not computed again", promptsAreCached},
		{"embeddings", embeddings},
		{"what cannot be resumed is refused", resumeIsChecked},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, load(t, small)) })
	}
	t.Run("an answer goes on elsewhere as it would have", func(t *testing.T) { resumedAnswers(t, load(t, small), load(t, small)) })
}

func engineDescribesItself(t *testing.T, e engine.Engine) {
	d, err := e.Devices()
	if e.Name() == "" || e.Release() == "" || err != nil || len(d) == 0 || d[0].ID != "cpu:0" || d[0].TotalBytes < 1<<20 {
		t.Errorf("%q %q, devices %+v, %v", e.Name(), e.Release(), d, err)
	}
}

func loadRefuses(t *testing.T, e engine.Engine, modelPath string) {
	empty := filepath.Join(t.TempDir(), "empty.gguf")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    engine.LoadOptions
		want fault.Code
	}{
		{"no file", engine.LoadOptions{Path: empty + ".not"}, fault.ModelNotFound},
		{"empty file", engine.LoadOptions{Path: empty}, fault.ModelCorrupt},
		{"no such device", engine.LoadOptions{Path: modelPath, Device: "cuda:7"}, fault.DeviceUnavailable},
		{"more context than trained", engine.LoadOptions{Path: modelPath, Context: 1 << 20}, fault.ContextOverflow},
		{"negative slots", engine.LoadOptions{Path: modelPath, Slots: -1}, fault.InvalidRequest},
	} {
		m, err := e.Load(context.Background(), c.o)
		if m != nil || fault.CodeOf(err) != c.want {
			t.Errorf("%s: code %q, want %s (%v)", c.name, fault.CodeOf(err), c.want, err)
		}
	}
}

func loadReportsProgress(t *testing.T, e engine.Engine, modelPath string) {
	var seen []float64
	m, err := e.Load(context.Background(), engine.LoadOptions{Path: modelPath, Progress: func(f float64) { seen = append(seen, f) }})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if len(seen) == 0 || seen[len(seen)-1] != 1 {
		t.Fatalf("progress was %v, want it to end at 1", seen)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] < seen[i-1] {
			t.Fatalf("progress went back: %v", seen)
		}
	}
}

func loadObeysContext(t *testing.T, e engine.Engine, modelPath string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if m, err := e.Load(ctx, engine.LoadOptions{Path: modelPath}); m != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("load with a cancelled context: %v, %v", m, err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	m, err := e.Load(ctx, engine.LoadOptions{Path: modelPath, Progress: func(f float64) {
		if f < 1 {
			cancel()
		}
	}})
	if m != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("load cancelled on the way: %v, %v", m, err)
	}
	if m, err := e.Load(context.Background(), engine.LoadOptions{Path: modelPath}); err != nil {
		t.Errorf("the load after it: %v", err)
	} else {
		m.Close()
	}
}

// hello is the request that most cases use; end of text is ignored so that the length is known.
func hello(tokens int) engine.Request {
	return engine.Request{Prompt: "hello world", MaxTokens: tokens, IgnoreEOS: true}
}

// answer is what a generation gave.
type answer struct {
	text    string
	tokens  []int32
	pieces  []string
	prefill []engine.Progress
	result  engine.Result
	err     error
}

// generate collects; each is called after an event was noted and its error is emit's.
func generate(ctx context.Context, m engine.Model, r engine.Request, each func(a *answer) error) answer {
	var a answer
	a.result, a.err = m.Generate(ctx, r, func(e engine.Event) error {
		if e.Prefill != nil {
			a.prefill = append(a.prefill, *e.Prefill)
		} else {
			a.text += e.Text
			a.pieces = append(a.pieces, e.Text)
			if e.Token != engine.NoToken {
				a.tokens = append(a.tokens, e.Token)
			}
		}
		if each != nil {
			return each(&a)
		}
		return nil
	})
	return a
}

func mustGenerate(t *testing.T, m engine.Model, r engine.Request) answer {
	t.Helper()
	a := generate(context.Background(), m, r, nil)
	if a.err != nil {
		t.Fatalf("generate: %v", a.err)
	}
	return a
}

func eventsAndResult(t *testing.T, m engine.Model) {
	before := time.Now()
	r := hello(8)
	r.Prompt += strings.Repeat(" and all the others", 20)
	a := mustGenerate(t, m, r)
	if len(a.prefill) == 0 || a.prefill[len(a.prefill)-1] != (engine.Progress{Done: a.result.PromptTokens, Total: a.result.PromptTokens}) {
		t.Errorf("prefill progress %v, prompt of %d", a.prefill, a.result.PromptTokens)
	}
	for i := 1; i < len(a.prefill); i++ {
		if a.prefill[i].Done <= a.prefill[i-1].Done {
			t.Errorf("prefill went back: %v", a.prefill)
		}
	}
	if a.result.CompletionTokens != 8 || len(a.tokens) != 8 || a.result.PromptTokens < 3 {
		t.Errorf("result %+v for %d tokens", a.result, len(a.tokens))
	}
	for _, p := range a.pieces {
		if !utf8.ValidString(p) {
			t.Errorf("a piece that is not whole characters: %q", p)
		}
	}
	if f := a.result.FirstToken; f.Before(before) || f.After(time.Now()) || a.result.Prefill <= 0 || a.result.Decode < 0 {
		t.Errorf("times %+v", a.result)
	}
}

func greedyRepeats(t *testing.T, m engine.Model) {
	a, b := mustGenerate(t, m, hello(24)), mustGenerate(t, m, hello(24))
	if a.text != b.text || a.text == "" {
		t.Errorf("%q, then %q", a.text, b.text)
	}
}

func endsAtMaxTokens(t *testing.T, m engine.Model) {
	for _, n := range []int{1, 5} {
		if a := mustGenerate(t, m, hello(n)); a.result.CompletionTokens != n || a.result.FinishReason != engine.FinishLength {
			t.Errorf("max tokens %d: %+v", n, a.result)
		}
	}
}

func endsWhenFull(t *testing.T, m engine.Model) {
	a := mustGenerate(t, m, hello(0))
	if used := a.result.PromptTokens + a.result.CompletionTokens; used != 256 || a.result.FinishReason != engine.FinishLength {
		t.Errorf("%d of 256 tokens, %s", used, a.result.FinishReason)
	}
	exact := mustGenerate(t, m, hello(256-a.result.PromptTokens))
	if exact.text != a.text {
		t.Errorf("asking for exactly what fits gives another answer: %q, %q", exact.text, a.text)
	}
}

func overflowIsRefused(t *testing.T, m engine.Model) {
	n := mustGenerate(t, m, hello(1)).result.PromptTokens
	for _, r := range []engine.Request{
		hello(256 - n + 1),
		{Prompt: strings.Repeat("hello world ", 256)},
	} {
		a := generate(context.Background(), m, r, nil)
		if fault.CodeOf(a.err) != fault.ContextOverflow || !strings.Contains(a.err.Error(), "256") || len(a.prefill) > 0 {
			t.Errorf("max tokens %d: %v", r.MaxTokens, a.err)
		}
	}
}

func badFieldsAreRefused(t *testing.T, m engine.Model) {
	for _, r := range []engine.Request{
		{Prompt: "x", Sampling: engine.Sampling{Temperature: 2.1}},
		{Prompt: "x", Sampling: engine.Sampling{Temperature: -1}},
		{Prompt: "x", MaxTokens: -1},
	} {
		if a := generate(context.Background(), m, r, nil); fault.CodeOf(a.err) != fault.InvalidRequest {
			t.Errorf("%+v: %v", r, a.err)
		}
	}
}

// stopStringEndsTheAnswer stops at the seam of two tokens: the end of one and the beginning of the next.
func stopStringEndsTheAnswer(t *testing.T, m engine.Model) {
	full := mustGenerate(t, m, hello(16))
	seam := len(full.pieces[0] + full.pieces[1] + full.pieces[2])
	stop := full.text[seam-2 : seam+2]
	r := hello(16)
	r.Stop = []string{"never in the text", stop}
	a := mustGenerate(t, m, r)
	want, _, _ := strings.Cut(full.text, stop)
	if a.text != want || a.result.FinishReason != engine.FinishStop || a.result.CompletionTokens >= 16 {
		t.Errorf("stop at %q: %q, want %q (%+v)", stop, a.text, want, a.result)
	}
}

func partialStopIsReleased(t *testing.T, m engine.Model) {
	full := mustGenerate(t, m, hello(8))
	r := hello(8)
	r.Stop = []string{full.text[len(full.text)-3:] + "\x01", full.text[1:4] + "\x01"}
	if a := mustGenerate(t, m, r); a.text != full.text || a.result.FinishReason != engine.FinishLength {
		t.Errorf("%q, want %q (%s)", a.text, full.text, a.result.FinishReason)
	}
}

func cancelWhileDecoding(t *testing.T, m engine.Model) {
	ctx, cancel := context.WithCancel(context.Background())
	var at time.Time
	a := generate(ctx, m, hello(0), func(a *answer) error {
		if len(a.tokens) == 3 && at.IsZero() {
			at = time.Now()
			cancel()
		}
		return nil
	})
	if !errors.Is(a.err, context.Canceled) || a.result.FinishReason != engine.FinishCancelled || a.result.CompletionTokens != 3 || len(a.tokens) != 3 {
		t.Errorf("%v, %+v, %d tokens emitted", a.err, a.result, len(a.tokens))
	}
	if late := time.Since(at); late > CancelLimit {
		t.Errorf("stopped after %v", late)
	}
	mustGenerate(t, m, hello(4)) // the model is still good
}

func cancelledBefore(t *testing.T, m engine.Model) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a := generate(ctx, m, hello(4), nil); !errors.Is(a.err, context.Canceled) || len(a.tokens) > 0 {
		t.Errorf("%v, %d tokens", a.err, len(a.tokens))
	}
}

func emitErrorEnds(t *testing.T, m engine.Model) {
	broken := errors.New("broken pipe")
	a := generate(context.Background(), m, hello(0), func(a *answer) error {
		if len(a.tokens) == 2 {
			return broken
		}
		return nil
	})
	if !errors.Is(a.err, broken) || len(a.tokens) != 2 {
		t.Errorf("%v after %d tokens", a.err, len(a.tokens))
	}
	mustGenerate(t, m, hello(4))
}

func concurrentAnswers(t *testing.T, m engine.Model) {
	prompts := []string{"hello world", "once upon a time", "count to ten", "what is a worker"}
	want := make([]string, len(prompts))
	for i, p := range prompts {
		r := hello(20)
		r.Prompt = p
		want[i] = mustGenerate(t, m, r).text
	}
	var wg sync.WaitGroup
	for round := range 2 {
		for i, p := range prompts {
			wg.Go(func() {
				r := hello(20)
				r.Prompt = p
				if a := generate(context.Background(), m, r, nil); a.err != nil || a.text != want[i] {
					t.Errorf("round %d, %q: %q (%v), alone it was %q", round, p, a.text, a.err, want[i])
				}
			})
		}
	}
	wg.Wait()
}

// hold starts an answer and keeps it in its slot, after its first token, until release is called.
func hold(t *testing.T, m engine.Model, r engine.Request) (release func() answer) {
	t.Helper()
	inside, let, done := make(chan struct{}), make(chan struct{}), make(chan answer, 1)
	go func() {
		done <- generate(context.Background(), m, r, func(a *answer) error {
			if len(a.tokens) == 1 {
				select {
				case <-inside:
				default:
					close(inside)
					<-let
				}
			}
			return nil
		})
	}()
	<-inside
	return sync.OnceValue(func() answer { close(let); return <-done })
}

func waitsForSlot(t *testing.T, m engine.Model) {
	one, two := hold(t, m, hello(100)), hold(t, m, hello(100))
	defer one()
	defer two()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	a := generate(ctx, m, hello(4), nil)
	if !errors.Is(a.err, context.DeadlineExceeded) || len(a.prefill) > 0 || a.result.FinishReason != engine.FinishCancelled {
		t.Errorf("a third of two slots: %v, %+v", a.err, a.result)
	}
	queued := make(chan answer, 1)
	go func() { queued <- generate(context.Background(), m, hello(4), nil) }()
	if a := one(); a.err != nil || a.result.CompletionTokens != 100 {
		t.Errorf("the first: %v, %+v", a.err, a.result)
	}
	if a := <-queued; a.err != nil || len(a.tokens) != 4 {
		t.Errorf("the one that waited: %v, %+v", a.err, a.result)
	}
}

func cancelOneOfTwo(t *testing.T, m engine.Model) {
	want := mustGenerate(t, m, hello(200)).text
	stayed := make(chan answer, 1)
	go func() { stayed <- generate(context.Background(), m, hello(200), nil) }()
	for range 10 { // join and leave under it
		ctx, cancel := context.WithCancel(context.Background())
		generate(ctx, m, engine.Request{Prompt: strings.Repeat("once upon a time ", 10), IgnoreEOS: true}, func(a *answer) error {
			if len(a.tokens) == 2 {
				cancel()
			}
			return nil
		})
		cancel()
	}
	if a := <-stayed; a.err != nil || a.text != want {
		t.Errorf("%v: %q, want %q", a.err, a.text, want)
	}
}

func slowCallerAlone(t *testing.T, m engine.Model) {
	slow := hold(t, m, hello(200))
	defer slow()
	for range 3 {
		if a := mustGenerate(t, m, hello(50)); a.result.CompletionTokens != 50 {
			t.Errorf("%+v", a.result)
		}
	}
	want := mustGenerate(t, m, hello(200)).text
	if a := slow(); a.err != nil || a.text != want {
		t.Errorf("the slow one: %v, %q, want %q", a.err, a.text, want)
	}
}
