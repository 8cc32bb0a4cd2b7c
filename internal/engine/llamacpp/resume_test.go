package llamacpp_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"rbee/internal/engine"
	"rbee/internal/models/benchmodel"
)

// An answer of random bytes ends inside characters all the time.
func TestAnAnswerCutInsideACharacterGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bytes.gguf")
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{Vocabulary: 300, Seed: 4}); err != nil {
		t.Fatal(err)
	}
	model := func() engine.Model { return load(t, engine.LoadOptions{Path: path, Threads: 1}) }
	r := engine.Request{Prompt: "žluťoučký 蜂 🐝", Raw: true, MaxTokens: 48, IgnoreEOS: true,
		Sampling: engine.Sampling{Temperature: 1.5, TopK: 100, Seed: 3}}
	// Only bytes that begin or go on with a character: most of the answer is held back at some time.
	r.Sampling.LogitBias = map[int32]float32{}
	for id := range int32(300) {
		if b := id - 3; b < 0xc2 && !(b >= 0x80) || b > 0xf0 {
			r.Sampling.LogitBias[id] = -100
		}
	}
	var tokens []int32
	var pieces []string
	if _, err := model().Generate(context.Background(), r, func(e engine.Event) error {
		if e.Prefill == nil {
			pieces = append(pieces, e.Text)
			if e.Token != engine.NoToken {
				tokens = append(tokens, e.Token)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	whole := strings.Join(pieces, "")
	empty := 0
	other := model()
	for n := range tokens {
		if pieces[n] == "" {
			empty++
		}
		sent := strings.Join(pieces[:n], "")
		again := r
		again.Resume = &engine.Resume{Tokens: tokens[:n], SentBytes: len(sent)}
		rest := generate(t, other, again)
		if sent+rest.text != whole || !utf8.ValidString(rest.text) {
			t.Errorf("cut after %d tokens: %q and %q, whole it was %q", n, sent, rest.text, whole)
		}
	}
	if empty < 5 {
		t.Errorf("only %d tokens ended inside a character", empty)
	}
}
