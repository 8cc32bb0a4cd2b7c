package llamacpp_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/models/benchmodel"
)

func embed(t testing.TB, m engine.Model, texts ...string) []engine.Embedding {
	t.Helper()
	var in []engine.Input
	for _, x := range texts {
		in = append(in, engine.Input{Text: x})
	}
	out, err := m.Embed(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// alike is the cosine of the angle between two vectors.
func alike(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

func TestEmbeddingsAreLlamaCppsOwnAverages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{Context: 1024}); err != nil {
		t.Fatal(err)
	}
	m := load(t, engine.LoadOptions{Path: path, Context: 1024, Threads: 1})
	for name, text := range prompts { // also some that take several chunks
		got := embed(t, m, text)[0]
		want := reference(t, plainRequest{Model: path, Text: text, Context: 1024, Embed: true})
		if got.Tokens != len(want.Prompt) || len(got.Values) != len(want.Embedding) {
			t.Fatalf("%s: %d tokens, %d numbers; llama.cpp has %d and %d", name, got.Tokens, len(got.Values), len(want.Prompt), len(want.Embedding))
		}
		if a := alike(got.Values, want.Embedding); a < 0.9999 {
			t.Errorf("%s: the cosine to llama.cpp's is %f", name, a)
		}
		for i, v := range got.Values {
			if d := math.Abs(float64(v - want.Embedding[i])); d > 0.02 {
				t.Errorf("%s: number %d is %g, llama.cpp's %g", name, i, v, want.Embedding[i])
				break
			}
		}
	}
}

func TestEmbeddingsAndAnswersDoNotDisturbEachOther(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 512, Slots: 2, Threads: 1})
	texts := []string{"hello world", prompts["long"], "a small llama"}
	want := embed(t, m, texts...)
	asks := []string{"hello world", "count to ten", prompts["long"]}
	answers := make([]string, len(asks))
	for i, p := range asks {
		answers[i] = generate(t, m, engine.Request{Prompt: p, MaxTokens: 80, IgnoreEOS: true}).text
	}
	var all sync.WaitGroup
	for i, p := range asks {
		all.Go(func() {
			for range 4 {
				if got := generate(t, m, engine.Request{Prompt: p, MaxTokens: 80, IgnoreEOS: true}).text; got != answers[i] {
					t.Errorf("%q beside embeddings, %q alone", got, answers[i])
				}
			}
		})
		all.Go(func() {
			for range 8 {
				for j, e := range embed(t, m, texts...) {
					if a := alike(e.Values, want[j].Values); a < 0.999999 {
						t.Errorf("%q beside answers: the cosine to what it is alone is %f", texts[j], a)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestAnEmbeddingIsAboutItsText(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 512})
	e := embed(t, m, "once upon a time there was a small llama", "once upon a time there was a small bee", strings.Repeat("seven eight nine ", 4))
	near, far := alike(e[0].Values, e[1].Values), alike(e[0].Values, e[2].Values)
	if near <= far || near > 0.99999 {
		t.Errorf("the cosine of two stories is %f, to counting it is %f", near, far)
	}
}
