package fit

import (
	"math"
	"testing"

	"rbee/internal/gguf"
)

// tiny is TinyLlama's header with weights as Q4_0.
func tiny() *gguf.Header {
	h := &gguf.Header{Architecture: "llama", Context: 2048, Embedding: 2048, Layers: 22, FeedForward: 5632, Heads: 32, KVHeads: 4, KVHeadsAll: 88,
		KeyLength: 64, ValueLength: 64, Vocabulary: 32000, TensorBytes: 620e6}
	h.Weights = gguf.Weights{Embedding: 37e6, EmbeddingType: gguf.Q4_0, Output: 37e6, OutputType: gguf.Q4_0, Blocks: 546e6}
	h.Weights.Matrices[gguf.Q4_0] = 582e6
	return h
}

func TestKVCacheIsThatOfGroupedHeadsForEverySlot(t *testing.T) {
	for _, c := range []struct {
		context, slots, want int64
	}{
		{0, 1, 2048 * 88 * 128 * 2}, // trained for less than the usual 4096
		{256, 1, 256 * 88 * 128 * 2},
		{257, 1, 512 * 88 * 128 * 2},
		{257, 4, 4 * 512 * 88 * 128 * 2},
	} {
		if n := Estimate(tiny(), Load{Context: c.context, Slots: c.slots}); n.Host.KV != c.want {
			t.Errorf("context %d, %d slots: %d bytes of KV, want %d", c.context, c.slots, n.Host.KV, c.want)
		}
	}
}

func TestAnEncoderHasNoKVCacheAndTakesAnInputWhole(t *testing.T) {
	for arch, encodes := range map[string]bool{"bert": true, "nomic-bert-moe": true, "jina-bert-v2": true, "modern-bert": true, "gemma-embedding": true,
		"llama": false, "gemma3": false} {
		h := tiny()
		h.Architecture = arch
		short, long := Estimate(h, Load{Context: 512, Slots: 4}).Host, Estimate(h, Load{Context: 2048, Slots: 4}).Host
		if (short.KV == 0) != encodes || (long.Compute > 4*short.Compute) != encodes {
			t.Errorf("%s: %+v with 512 tokens, %+v with 2048", arch, short, long)
		}
	}
}

func TestOnlyWhatTheCPUTakesInAnotherOrderIsCountedTwice(t *testing.T) {
	h := tiny()
	for cpu, want := range map[CPU]int64{{}: 0, {AVX2: true}: 582e6, {NEON: true}: 0, {NEON: true, DotProd: true}: 582e6} {
		n := Estimate(h, Load{CPU: cpu})
		if n.Host.Repacked != want || n.Host.Weights != 620e6 {
			t.Errorf("%+v: %d bytes of copies beside %d of the file, want %d and all", cpu, n.Host.Repacked, n.Host.Weights, want)
		}
	}
	h.Weights.OutputAtEdge = true
	if n := Estimate(h, Load{CPU: CPU{AVX2: true}}); n.Host.Weights != 583e6 {
		t.Errorf("%d bytes of the file stay mapped, want all but the output matrix at its end", n.Host.Weights)
	}
	h.Weights.Output = 0
	if n := Estimate(h, Load{CPU: CPU{AVX2: true}}); n.Host.Repacked != 582e6+37e6 {
		t.Errorf("%d bytes of copies, want the shared embedding among them", n.Host.Repacked)
	}
	h.Weights.Matrices = [64]int64{14: 500e6}
	if n := Estimate(h, Load{CPU: CPU{AVX2: true, AVX512: true}}); n.Host.Repacked != 37e6 {
		t.Errorf("%d bytes of copies of Q6_K, which no such CPU wants otherwise", n.Host.Repacked-37e6)
	}
}

func TestAGPUTakesItsLayersAndTheirKVCache(t *testing.T) {
	h := tiny()
	all := Estimate(h, Load{Backend: "cuda", GPULayers: -1, CPU: CPU{AVX2: true}})
	if all.Device.Weights != 546e6+37e6 || all.Host.Weights != 37e6 || all.Host.KV != 0 || all.Host.Repacked != 0 {
		t.Errorf("all layers: %+v", all)
	}
	half := Estimate(h, Load{Backend: "cuda", GPULayers: 11})
	if half.Device.Weights != 273e6 || half.Host.Weights != 347e6 || half.Device.KV != half.Host.KV || half.Device.KV == 0 {
		t.Errorf("11 of 22 layers: %+v", half)
	}
	none := Estimate(h, Load{Backend: "cuda"})
	if none.Device.Weights != 0 || none.Device.KV != 0 || none.Host.Weights != 620e6 {
		t.Errorf("no layers: %+v", none)
	}
}

// A header may claim anything; a sum that wraps around would fit everywhere.
func FuzzEstimateNeverWraps(f *testing.F) {
	f.Add(int64(math.MaxInt32), int64(math.MaxInt32), int64(math.MaxInt32), int64(math.MaxInt64), int64(256), int64(-1), "cuda")
	f.Add(int64(22), int64(88), int64(2048), int64(620e6), int64(4), int64(11), "")
	f.Fuzz(func(t *testing.T, layers, heads, width, bytes, slots, gpu int64, backend string) {
		bound := func(v int64) int { return int(uint64(v) % math.MaxInt32) } // what package gguf lets through
		h := &gguf.Header{Layers: bound(layers), KVHeadsAll: bound(heads) * bound(layers), KeyLength: bound(width), ValueLength: bound(width),
			Embedding: bound(width), FeedForward: bound(width), Vocabulary: bound(width), Context: bound(width), TensorBytes: max(0, bytes)}
		h.Weights.Blocks = h.TensorBytes
		h.Weights.Matrices[gguf.Q4_0] = h.TensorBytes
		n := Estimate(h, Load{Context: int64(bound(width)), Slots: slots, Backend: backend, GPULayers: gpu, CPU: CPU{AVX2: true}})
		for _, p := range []Part{n.Host, n.Device} {
			if min(p.Weights, p.Repacked, p.KV, p.Compute, p.Process, p.Mapped()) < 0 || p.Total() < max(p.Weights, p.KV) && p.Total() < math.MaxInt64/2 {
				t.Fatalf("%+v gives %+v", h, n)
			}
		}
		if n.Host.Total()+n.Device.Total() < min(h.TensorBytes, math.MaxInt64/4) {
			t.Fatalf("less than the weights: %+v", n)
		}
	})
}
