package benchmodel

import (
	"fmt"

	"rbee/internal/gguf"
)

// Shape is the size of a model. Zero values mean those of Tiny.
type Shape struct {
	Layers      int
	Width       int // of the residual stream: Heads times the size of a head
	Heads       int
	KVHeads     int // divides Heads
	FeedForward int
	Vocabulary  int // at least 260: three control tokens, 256 bytes, words
	Context     int
	Quant       gguf.Type // F16, Q4_0 or Q8_0, of all matrices; 0 (F32) means F16
	Seed        uint64
	// Template is the model's chat template, "" for a model without one.
	Template string
}

// Tiny is a small shape with grouped heads: 0.9 MB.
var Tiny = Shape{Layers: 2, Width: 128, Heads: 4, KVHeads: 2, FeedForward: 256, Vocabulary: 512, Context: 512, Quant: gguf.F16}

// Llama1B is the shape of TinyLlama: 1.1 billion weights, 620 MB as Q4_0.
var Llama1B = Shape{Layers: 22, Width: 2048, Heads: 32, KVHeads: 4, FeedForward: 5632, Vocabulary: 32000, Context: 4096, Quant: gguf.Q4_0}

func (s Shape) withDefaults() Shape {
	for _, f := range []struct {
		v *int
		d int
	}{
		{&s.Layers, Tiny.Layers}, {&s.Width, Tiny.Width}, {&s.Heads, Tiny.Heads}, {&s.KVHeads, Tiny.KVHeads},
		{&s.FeedForward, Tiny.FeedForward}, {&s.Vocabulary, Tiny.Vocabulary}, {&s.Context, Tiny.Context},
	} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if s.Quant == 0 {
		s.Quant = Tiny.Quant
	}
	return s
}

// validate refuses what no engine could load.
func (s Shape) validate() error {
	switch {
	case min(s.Layers, s.Width, s.Heads, s.KVHeads, s.FeedForward, s.Context) < 1:
		return fmt.Errorf("a shape of negative size: %+v", s)
	case s.Quant != gguf.F16 && s.Quant != gguf.Q4_0 && s.Quant != gguf.Q8_0:
		return fmt.Errorf("cannot write weights as %v: F16, Q4_0 or Q8_0", s.Quant)
	case s.Width%s.Heads != 0 || s.Width/s.Heads%2 != 0 || s.Heads%s.KVHeads != 0:
		return fmt.Errorf("width %d does not divide into %d heads of even size in %d groups", s.Width, s.Heads, s.KVHeads)
	case s.Width%32 != 0 || s.FeedForward%32 != 0:
		return fmt.Errorf("width %d and feed-forward %d must be multiples of 32", s.Width, s.FeedForward)
	case s.Vocabulary < firstWord+1:
		return fmt.Errorf("a vocabulary of %d: at least %d", s.Vocabulary, firstWord+1)
	}
	return nil
}
