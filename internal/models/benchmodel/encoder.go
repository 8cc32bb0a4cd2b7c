package benchmodel

import (
	"fmt"

	"rbee/internal/gguf"
	w "rbee/internal/gguf/ggufwrite"
)

// Encoder is what a model of the bert architecture has beside its shape, whose KVHeads and Template mean nothing.
type Encoder struct {
	Shape
	Pooling uint32 // llama.cpp's number: 0 = none, 1 = the mean, 2 = the first token's, 4 = a rank
}

// WriteEncoder writes a model that makes embeddings and generates nothing. Its vocabulary is that of the other shapes.
func WriteEncoder(path string, e Encoder) error {
	s := e.Shape.withDefaults()
	s.KVHeads = s.Heads
	if err := s.validate(); err != nil {
		return err
	}
	return w.WriteFile(path, s.encoderMetadata(e.Pooling), s.encoderTensors())
}

func (s Shape) encoderTensors() []w.Tensor {
	ts := []w.Tensor{
		s.random("token_embd.weight", 1, s.Vocabulary, s.Width),
		s.random("position_embd.weight", 1, s.Context, s.Width),
		zeros("token_types.weight", s.Width),
		s.ones("token_embd_norm.weight"), zeros("token_embd_norm.bias", s.Width),
	}
	for l := range s.Layers {
		for _, m := range []struct {
			name       string
			gain       float64
			rows, cols int
		}{
			{"attn_q", peak, s.Width, s.Width}, {"attn_k", peak, s.Width, s.Width}, {"attn_v", 1, s.Width, s.Width},
			{"attn_output", 1, s.Width, s.Width}, {"ffn_up", 1, s.FeedForward, s.Width}, {"ffn_down", 1, s.Width, s.FeedForward},
		} {
			name := fmt.Sprintf("blk.%d.%s", l, m.name)
			ts = append(ts, s.random(name+".weight", m.gain, m.rows, m.cols), zeros(name+".bias", m.rows))
		}
		for _, norm := range []string{"attn_output_norm", "layer_output_norm"} {
			name := fmt.Sprintf("blk.%d.%s", l, norm)
			ts = append(ts, s.ones(name+".weight"), zeros(name+".bias", s.Width))
		}
	}
	return ts
}

func zeros(name string, n int) w.Tensor { return w.Vector(name, make([]float32, n)) }

func (s Shape) encoderMetadata(pooling uint32) []w.KV {
	pieces, scores, kinds := vocabulary(s.Vocabulary)
	return []w.KV{
		{Key: "general.architecture", Value: "bert"},
		{Key: "general.name", Value: fmt.Sprintf("random bert %dx%d %v", s.Layers, s.Width, s.Quant)},
		{Key: "general.file_type", Value: map[gguf.Type]uint32{gguf.F16: 1, gguf.Q4_0: 2, gguf.Q8_0: 7}[s.Quant]},
		{Key: "bert.context_length", Value: uint32(s.Context)},
		{Key: "bert.embedding_length", Value: uint32(s.Width)},
		{Key: "bert.block_count", Value: uint32(s.Layers)},
		{Key: "bert.feed_forward_length", Value: uint32(s.FeedForward)},
		{Key: "bert.attention.head_count", Value: uint32(s.Heads)},
		{Key: "bert.attention.layer_norm_epsilon", Value: float32(1e-12)},
		{Key: "bert.attention.causal", Value: false},
		{Key: "bert.pooling_type", Value: pooling},
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.tokens", Value: pieces},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
		{Key: "tokenizer.ggml.token_type_count", Value: uint32(1)},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(1)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(0)},
		{Key: "tokenizer.ggml.add_bos_token", Value: true},
	}
}
