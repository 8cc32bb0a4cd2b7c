package gguf

import (
	"bytes"
	"testing"
)

func TestWeightsAreSummedByWhatAnEngineDoesWithThem(t *testing.T) {
	f := model(6).
		tensor("output.weight", Q8_0, 0, 32, 8).           // 272 bytes
		tensor("token_embd.weight", F16, 288, 32, 8).      // 512
		tensor("blk.0.attn_q.weight", Q8_0, 800, 32, 16).  // 544
		tensor("blk.0.odd.weight", Q8_0, 1344, 32, 3).     // 102: rows that no kernel takes eight at a time
		tensor("blk.0.exps.weight", Q8_0, 1472, 32, 8, 2). // 544: two experts of 8 rows
		tensor("blk.0.attn_norm.weight", F32, 2016, 32)    // 128: no matrix
	b := f.data(2144)
	h, err := Parse(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := Weights{Embedding: 512, EmbeddingType: F16, Output: 272, OutputType: Q8_0, OutputAtEdge: true, Blocks: 544 + 102 + 544 + 128}
	want.Matrices[Q8_0] = 272 + 544 + 544
	if h.Weights != want {
		t.Errorf("weights are\n%+v, want\n%+v", h.Weights, want)
	}
	if sum := want.Embedding + want.Output + want.Blocks; h.TensorBytes != sum {
		t.Errorf("all tensors have %d bytes, the parts %d", h.TensorBytes, sum)
	}
	whole := *h
	whole.AddPart(h)
	if whole.Weights.Matrices[Q8_0] != 2*want.Matrices[Q8_0] || whole.Weights.Blocks != 2*want.Blocks || whole.TensorBytes != 2*h.TensorBytes {
		t.Errorf("with a part like it: %+v", whole.Weights)
	}
}

func TestKVHeadsAreSummedOverLayersThatDiffer(t *testing.T) {
	f := begin(3, 0, 4).arch().
		add("llama.block_count", uint32(kindU32), uint32(3)).
		add("llama.attention.head_count", uint32(kindU32), uint32(8)).
		add("llama.attention.head_count_kv", uint32(kindList), uint32(kindU32), uint64(3), uint32(8), uint32(2), uint32(1))
	h, err := Parse(bytes.NewReader(f.Bytes()), int64(f.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if h.KVHeads != 8 || h.KVHeadsAll != 11 {
		t.Errorf("KV heads: the most %d, all %d; want 8 and 11", h.KVHeads, h.KVHeadsAll)
	}
}
