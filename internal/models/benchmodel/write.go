package benchmodel

import (
	"fmt"

	"rbee/internal/gguf"
	w "rbee/internal/gguf/ggufwrite"
)

// Write writes a model of the shape Llama1B with that quantisation, in a second or two.
func Write(path string, quant gguf.Type) error {
	s := Llama1B
	s.Quant = quant
	return WriteTiny(path, s)
}

// WriteTiny writes a model of any shape.
func WriteTiny(path string, shape Shape) error {
	s := shape.withDefaults()
	if err := s.validate(); err != nil {
		return err
	}
	return w.WriteFile(path, s.metadata(), s.tensors())
}

// peak makes queries and keys large, so that attention looks at few places and these move with the text. Otherwise
// the noise soon repeats one word for ever.
const peak = 3

func (s Shape) tensors() []w.Tensor {
	kv := s.KVHeads * s.Width / s.Heads
	ts := []w.Tensor{s.random("token_embd.weight", 1, s.Vocabulary, s.Width)}
	for l := range s.Layers {
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", l, part) }
		ts = append(ts,
			s.ones(name("attn_norm")),
			s.random(name("attn_q"), peak, s.Width, s.Width),
			s.random(name("attn_k"), peak, kv, s.Width),
			s.random(name("attn_v"), 1, kv, s.Width),
			s.random(name("attn_output"), 1, s.Width, s.Width),
			s.ones(name("ffn_norm")),
			s.random(name("ffn_gate"), 1, s.FeedForward, s.Width),
			s.random(name("ffn_up"), 1, s.FeedForward, s.Width),
			s.random(name("ffn_down"), 1, s.Width, s.FeedForward))
	}
	return append(ts, s.ones("output_norm.weight"), s.random("output.weight", 1, s.Vocabulary, s.Width))
}

func (s Shape) ones(name string) w.Tensor {
	v := make([]float32, s.Width)
	for i := range v {
		v[i] = 1
	}
	return w.Vector(name, v)
}

func (s Shape) metadata() []w.KV {
	pieces, scores, kinds := vocabulary(s.Vocabulary)
	kvs := []w.KV{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.name", Value: fmt.Sprintf("random llama %dx%d %v", s.Layers, s.Width, s.Quant)},
		{Key: "general.file_type", Value: map[gguf.Type]uint32{gguf.F16: 1, gguf.Q4_0: 2, gguf.Q8_0: 7}[s.Quant]},
		{Key: "llama.context_length", Value: uint32(s.Context)},
		{Key: "llama.embedding_length", Value: uint32(s.Width)},
		{Key: "llama.block_count", Value: uint32(s.Layers)},
		{Key: "llama.feed_forward_length", Value: uint32(s.FeedForward)},
		{Key: "llama.attention.head_count", Value: uint32(s.Heads)},
		{Key: "llama.attention.head_count_kv", Value: uint32(s.KVHeads)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "llama.rope.dimension_count", Value: uint32(s.Width / s.Heads)},
		{Key: "llama.rope.freq_base", Value: float32(10000)},
		{Key: "llama.vocab_size", Value: uint32(s.Vocabulary)},
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.tokens", Value: pieces},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(1)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(0)},
		{Key: "tokenizer.ggml.add_bos_token", Value: true},
	}
	if s.Template != "" {
		kvs = append(kvs, w.KV{Key: "tokenizer.chat_template", Value: s.Template})
	}
	return kvs
}

// firstWord is behind the unknown token, begin, end and 256 bytes.
const firstWord = 3 + 256

func vocabulary(n int) (pieces []string, scores []float32, kinds []int32) {
	const normal, unknown, control, single = 1, 2, 3, 6 // the format's kinds of token
	pieces = append(pieces, "<unk>", "<s>", "</s>")
	kinds = append(kinds, unknown, control, control)
	for b := range 256 {
		pieces = append(pieces, fmt.Sprintf("<0x%02X>", b))
		kinds = append(kinds, single)
	}
	for len(pieces) < n {
		pieces = append(pieces, fmt.Sprintf("▁w%d", len(pieces)))
		kinds = append(kinds, normal)
	}
	scores = make([]float32, n)
	for i := firstWord; i < n; i++ {
		scores[i] = -float32(i)
	}
	return pieces, scores, kinds
}
