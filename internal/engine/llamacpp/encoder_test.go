package llamacpp_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/models/benchmodel"
)

const (
	poolsNot, poolsMean, poolsFirst, ranks = 0, 1, 2, 4 // llama.cpp's numbers
	encoderContext                         = 1024
)

func encoder(t testing.TB, pooling uint32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "encoder.gguf")
	shape := benchmodel.Shape{Layers: 3, Context: encoderContext, Quant: gguf.F16}
	if err := benchmodel.WriteEncoder(path, benchmodel.Encoder{Shape: shape, Pooling: pooling}); err != nil {
		t.Fatal(err)
	}
	return path
}

// An encoder must see an input whole: the long ones here are several chunks of other models.
func TestAnEncodersEmbeddingsAreLlamaCppsOwn(t *testing.T) {
	for _, pooling := range []uint32{poolsNot, poolsMean, poolsFirst} {
		path := encoder(t, pooling)
		m := load(t, engine.LoadOptions{Path: path, Context: encoderContext, Threads: 1})
		for name, text := range prompts {
			got := embed(t, m, "something else", text)[1]
			want := reference(t, plainRequest{Model: path, Text: text, Context: encoderContext, Embed: true, OwnPooling: pooling != poolsNot})
			if got.Tokens != len(want.Prompt) || len(got.Values) != len(want.Embedding) {
				t.Fatalf("pooling %d, %s: %d tokens, %d numbers; llama.cpp has %d and %d", pooling, name, got.Tokens, len(got.Values), len(want.Prompt), len(want.Embedding))
			}
			for i, v := range got.Values {
				if d := math.Abs(float64(v - want.Embedding[i])); d > 1e-4 {
					t.Errorf("pooling %d, %s: number %d is %g, llama.cpp's %g", pooling, name, i, v, want.Embedding[i])
					break
				}
			}
		}
	}
}

func TestAnEncoderDoesNotGenerate(t *testing.T) {
	m := load(t, engine.LoadOptions{Path: encoder(t, poolsMean), Slots: 2})
	if i := m.Info(); i.Architecture != "bert" || i.EmbeddingLength != benchmodel.Tiny.Width || i.Context != encoderContext {
		t.Errorf("%+v", i)
	}
	_, err := m.Generate(t.Context(), engine.Request{Prompt: "hello", MaxTokens: 4}, func(engine.Event) error { return nil })
	if fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("%v", err)
	}
	if len(embed(t, m, "it goes on")) != 1 {
		t.Error("no embedding after that")
	}
}

func TestARerankerIsRefused(t *testing.T) {
	_, err := open(t).Load(context.Background(), engine.LoadOptions{Path: encoder(t, ranks)})
	if fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("%v", err)
	}
}
