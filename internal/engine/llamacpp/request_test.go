package llamacpp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/engine"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/models/benchmodel"
)

const chatML = "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"

func TestTheModelsOwnTemplateIsApplied(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 512})
	if !m.Info().HasTemplate {
		t.Fatal("the demo model has a template")
	}
	chat := generate(t, m, engine.Request{Messages: []engine.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: "hello"}}, MaxTokens: 40})
	byHand := generate(t, m, engine.Request{Prompt: chatML, Raw: true, MaxTokens: 40})
	if chat.text != byHand.text || chat.result.PromptTokens != byHand.result.PromptTokens {
		t.Errorf("template: %d tokens, %q; written by hand: %d tokens, %q", chat.result.PromptTokens, chat.text, byHand.result.PromptTokens, byHand.text)
	}
	raw := generate(t, m, engine.Request{Prompt: "hello", Raw: true, MaxTokens: 40})
	if raw.result.PromptTokens >= chat.result.PromptTokens {
		t.Errorf("raw prompt of %d tokens, with template %d", raw.result.PromptTokens, chat.result.PromptTokens)
	}
}

func TestAnUnknownTemplateIsRefusedAndRawStillWorks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.gguf")
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{Template: "{{ somebody.invented(this) }}"}); err != nil {
		t.Fatal(err)
	}
	m := load(t, engine.LoadOptions{Path: path})
	_, err := m.Generate(context.Background(), engine.Request{Prompt: "hello", MaxTokens: 2}, func(engine.Event) error { return nil })
	if e := fault.From(err); e.Code != fault.InvalidRequest || !strings.Contains(e.Hint, "--raw") {
		t.Errorf("%v, hint %q", err, e.Hint)
	}
	generate(t, m, engine.Request{Prompt: "hello", Raw: true, MaxTokens: 2})
}

func TestAModelWithoutTemplateGetsThePromptAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plain.gguf")
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{}); err != nil {
		t.Fatal(err)
	}
	m := load(t, engine.LoadOptions{Path: path})
	if m.Info().HasTemplate {
		t.Fatal("this model has no template")
	}
	two := engine.Request{Messages: []engine.Message{{Role: "system", Content: "one"}, {Role: "user", Content: "two"}}, MaxTokens: 4}
	if a, b := generate(t, m, two), generate(t, m, engine.Request{Prompt: "one\ntwo", MaxTokens: 4}); a.text != b.text || a.result.PromptTokens != b.result.PromptTokens {
		t.Errorf("messages %+v, joined %+v", a, b)
	}
}

func TestTextThatCannotBeSentToCIsRefused(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 256})
	for name, r := range map[string]engine.Request{
		"zero byte in the prompt":    {Prompt: "a\x00b"},
		"zero byte in a message":     {Messages: []engine.Message{{Role: "user", Content: "a\x00"}}},
		"zero byte in a role":        {Messages: []engine.Message{{Role: "\x00", Content: "a"}}},
		"empty stop string":          {Prompt: "a", Stop: []string{""}},
		"stop string without end":    {Prompt: "a", Stop: []string{strings.Repeat("a", 1000)}},
		"too many stop strings":      {Prompt: "a", Stop: make([]string, 100)},
		"top_p over 1":               {Prompt: "a", Sampling: engine.Sampling{TopP: 1.5}},
		"min_p under 0":              {Prompt: "a", Sampling: engine.Sampling{MinP: -0.1}},
		"repeat penalty out of hand": {Prompt: "a", Sampling: engine.Sampling{RepeatPenalty: 11}},
	} {
		_, err := m.Generate(context.Background(), r, func(engine.Event) error { return nil })
		if fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// damage returns a copy of the demo model's bytes, changed.
func damage(t *testing.T, change func([]byte) []byte) string {
	t.Helper()
	b, err := os.ReadFile(demoModel)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.gguf")
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADamagedFileIsAnErrorAndHarmsNothing(t *testing.T) {
	var log bytes.Buffer
	e, err := llamacpp.Open(llamacpp.Options{Dir: libraries, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer open(t) // takes the log away again
	for name, change := range map[string]func([]byte) []byte{
		"truncated":            func(b []byte) []byte { return b[:len(b)/2] },
		"only the magic":       func(b []byte) []byte { return b[:4] },
		"unknown architecture": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("llama"), []byte("lalma")) },
	} {
		m, err := e.Load(context.Background(), engine.LoadOptions{Path: damage(t, change)})
		if m != nil || fault.CodeOf(err) != fault.ModelCorrupt || strings.Contains(err.Error(), "does not say why") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "lalma") {
		t.Errorf("llama.cpp's errors are not in the log: %q", log.String())
	}
	generate(t, load(t, engine.LoadOptions{}), engine.Request{Prompt: "hello", MaxTokens: 2})
}

// A model whose prompt takes seconds: a step of it is some 50 ms on one core.
func TestCancelStopsALongPrefill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slow.gguf")
	shape := benchmodel.Shape{Layers: 8, Width: 1024, Heads: 16, KVHeads: 4, FeedForward: 2816, Vocabulary: 2000, Context: 4096, Quant: gguf.Q4_0}
	if err := benchmodel.WriteTiny(path, shape); err != nil {
		t.Fatal(err)
	}
	m := load(t, engine.LoadOptions{Path: path, Context: 4096, Threads: 1})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cancelled := make(chan time.Time, 1)
	done := 0
	_, err := m.Generate(ctx, engine.Request{Prompt: strings.Repeat("read this ", 250), Raw: true}, func(e engine.Event) error {
		if done == 0 { // in the middle of the step that follows
			time.AfterFunc(20*time.Millisecond, func() { cancelled <- time.Now(); cancel() })
		}
		if e.Prefill != nil {
			done = e.Prefill.Done
		}
		return nil
	})
	if done == 0 {
		t.Fatalf("no prompt token was read: %v", err)
	}
	took := time.Since(<-cancelled)
	if !errors.Is(err, context.Canceled) || done > 1024 {
		t.Errorf("%v, %d tokens of the prompt were read", err, done)
	}
	t.Logf("stopped %v after the cancel, %d tokens read", took, done)
	if took > 250*time.Millisecond { // 50 ms is the promise; the test machine has other things to do
		t.Errorf("stopped %v after the cancel", took)
	}
}

func TestCloseEndsWhatRunsAndLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m, err := open(t).Load(context.Background(), engine.LoadOptions{Path: demoModel, Context: 2048})
	if err != nil {
		t.Fatal(err)
	}
	running, ended := make(chan struct{}), make(chan error, 2)
	go func() {
		first := true
		_, err := m.Generate(context.Background(), engine.Request{Prompt: "hello", IgnoreEOS: true}, func(engine.Event) error {
			if first {
				first = false
				close(running)
			}
			return nil
		})
		ended <- err
	}()
	<-running
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("an answer went on after its model was closed")
	}
	if _, err := m.Generate(context.Background(), engine.Request{Prompt: "hello"}, func(engine.Event) error { return nil }); err == nil {
		t.Error("a closed model answers")
	}
	if err := m.Close(); err != nil {
		t.Errorf("the second close: %v", err)
	}
}

func TestASecondFolderIsRefused(t *testing.T) {
	open(t)
	_, err := llamacpp.Open(llamacpp.Options{Dir: t.TempDir()})
	if fault.CodeOf(err) != fault.EngineUnavailable {
		t.Errorf("%v", err)
	}
}
