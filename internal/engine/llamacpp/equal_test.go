package llamacpp_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/gguf"
	"rbee/internal/models/benchmodel"
)

// madeModels are small models of other shapes than the demo's. What they say is noise, with bytes that are no
// UTF-8 in it: any difference in the arithmetic shows.
func madeModels(t testing.TB) map[string]string {
	t.Helper()
	dir := t.TempDir()
	paths := map[string]string{"demo": demoModel}
	for name, shape := range map[string]benchmodel.Shape{
		"f16, 2 layers, grouped heads": {Context: 1024},
		"q8_0, 5 layers":               {Layers: 5, Width: 256, Heads: 8, KVHeads: 8, FeedForward: 640, Vocabulary: 1024, Context: 1024, Quant: gguf.Q8_0, Seed: 2},
		"q4_0, 3 layers, one kv head":  {Layers: 3, Width: 192, Heads: 6, KVHeads: 1, FeedForward: 512, Vocabulary: 2000, Context: 1024, Quant: gguf.Q4_0, Seed: 3},
	} {
		path := filepath.Join(dir, strings.NewReplacer(" ", "", ",", "-").Replace(name)+".gguf")
		if err := benchmodel.WriteTiny(path, shape); err != nil {
			t.Fatal(err)
		}
		paths[name] = path
	}
	return paths
}

// prompts of one token step, a chunk, several chunks, several of llama.cpp's own micro-batches.
var prompts = map[string]string{
	"short": "hello world",
	"long":  strings.Repeat("the llama tells the bee a story about a machine. ", 12),
	"bytes": strings.Repeat("žluťoučký 蜂 🐝 ", 20),
}

// answer is what a generation gave.
type answer struct {
	tokens []llama.Token
	text   string
	result engine.Result
}

func generate(t testing.TB, m engine.Model, r engine.Request) answer {
	t.Helper()
	var a answer
	var err error
	a.result, err = m.Generate(context.Background(), r, func(e engine.Event) error {
		if e.Prefill == nil {
			a.text += e.Text
			if e.Token != engine.NoToken {
				a.tokens = append(a.tokens, llama.Token(e.Token))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// same compares an answer of ours with the reference's.
func same(t *testing.T, got answer, want plainAnswer) {
	t.Helper()
	if got.result.PromptTokens != len(want.Prompt) {
		t.Errorf("the prompt has %d tokens, llama.cpp counts %d", got.result.PromptTokens, len(want.Prompt))
	}
	if !slices.Equal(got.tokens, want.Tokens) {
		t.Errorf("tokens differ from llama.cpp's\n got %v\nwant %v", got.tokens, want.Tokens)
	}
	if text := string([]rune(string(want.Bytes))); got.text != text {
		t.Errorf("text differs from llama.cpp's\n got %q\nwant %q", got.text, text)
	}
	if want.EndOfText != (got.result.FinishReason == engine.FinishStop) {
		t.Errorf("finish reason %s, llama.cpp came to the end of text: %v", got.result.FinishReason, want.EndOfText)
	}
}

func TestGreedyAnswersEqualLlamaCpp(t *testing.T) {
	for name, path := range madeModels(t) {
		m := load(t, engine.LoadOptions{Path: path, Context: 1024, Threads: 1})
		for length, prompt := range prompts {
			t.Run(name+"/"+length, func(t *testing.T) {
				want := reference(t, plainRequest{Model: path, Text: prompt, Tokens: 96, Context: 1024})
				same(t, generate(t, m, engine.Request{Prompt: prompt, Raw: true, MaxTokens: 96}), want)
			})
		}
	}
}

func TestAnswersWithAllSamplersEqualLlamaCpp(t *testing.T) {
	for name, path := range madeModels(t) {
		for _, s := range []engine.Sampling{
			{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1.1, Seed: 7},
			{Temperature: 0, RepeatPenalty: 1.3},
			{Temperature: 1.2, TopK: 100, TopP: 1, PresencePenalty: 0.7, FrequencyPenalty: 1.5, RepeatLastN: 200, Seed: 8},
		} {
			m := load(t, engine.LoadOptions{Path: path, Context: 1024, Threads: 1}) // one that has computed nothing yet: see minReuse
			want := reference(t, plainRequest{Model: path, Text: prompts["long"], Tokens: 64, Context: 1024, IgnoreEOS: true,
				Temp: float32(s.Temperature), TopK: int32(s.TopK), TopP: float32(s.TopP), MinP: float32(s.MinP), Repeat: float32(s.RepeatPenalty), Presence: float32(s.PresencePenalty), Frequency: float32(s.FrequencyPenalty), LastN: int32(s.RepeatLastN), Seed: s.Seed})
			t.Run(name, func(t *testing.T) {
				same(t, generate(t, m, engine.Request{Prompt: prompts["long"], Raw: true, MaxTokens: 64, IgnoreEOS: true, Sampling: s}), want)
			})
		}
	}
}

func TestSeedsVaryAnAnswerAndRepeatIt(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 512})
	ask := func(seed uint32) string {
		return generate(t, m, engine.Request{Prompt: "once upon", Raw: true, MaxTokens: 60, IgnoreEOS: true,
			Sampling: engine.Sampling{Temperature: 1.5, Seed: seed}}).text
	}
	seen := map[string]bool{}
	for seed := range uint32(8) {
		first := ask(seed)
		if again := ask(seed); again != first {
			t.Errorf("seed %d: %q, then %q", seed, first, again)
		}
		seen[first] = true
	}
	if len(seen) < 2 {
		t.Errorf("eight seeds gave one answer: %v", seen)
	}
}

// With four slots the steps have other shapes than alone; the demo model's preferences are clear enough that the
// text must not change by a letter.
func TestAnswersAreTheSameInAFullHouse(t *testing.T) {
	alone := load(t, engine.LoadOptions{Context: 512})
	house := load(t, engine.LoadOptions{Context: 512, Slots: 4})
	asks := []string{"hello world", prompts["long"], "count to ten", "once upon a time", "what is a worker?", "the capital of france"}
	want := make([]string, len(asks))
	for i, p := range asks {
		want[i] = generate(t, alone, engine.Request{Prompt: p, MaxTokens: 80}).text
	}
	t.Run("house", func(t *testing.T) {
		for i, p := range asks {
			t.Run(p[:10], func(t *testing.T) {
				t.Parallel()
				for range 5 {
					if got := generate(t, house, engine.Request{Prompt: p, MaxTokens: 80}).text; got != want[i] {
						t.Errorf("%q, alone it was %q", got, want[i])
					}
				}
			})
		}
	})
}
