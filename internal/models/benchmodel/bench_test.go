package benchmodel

import (
	"path/filepath"
	"testing"

	"rbee/internal/gguf"
)

func TestEveryQuantisationPassesTheHeaderCheck(t *testing.T) {
	for _, q := range []gguf.Type{gguf.F16, gguf.Q4_0, gguf.Q8_0} {
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := WriteTiny(path, Shape{Quant: q, Layers: 3}); err != nil {
			t.Fatal(err)
		}
		h, err := gguf.Check(path)
		if err != nil {
			t.Fatal(err)
		}
		if h.Layers != 3 || h.Vocabulary != Tiny.Vocabulary || h.KVHeads != Tiny.KVHeads || h.Quantization() != q.String() {
			t.Errorf("%v: the header says %+v", q, h)
		}
	}
}

func TestImpossibleShapesAreRefused(t *testing.T) {
	for _, s := range []Shape{
		{Heads: 3}, {Width: 100, Heads: 10, KVHeads: 10}, {KVHeads: 3}, {Vocabulary: 100}, {Quant: 12}, {FeedForward: 100},
		{Layers: -1}, {Heads: -4}, {Context: -1},
	} {
		if err := WriteTiny(filepath.Join(t.TempDir(), "m.gguf"), s); err == nil {
			t.Errorf("%+v was written", s)
		}
	}
}
