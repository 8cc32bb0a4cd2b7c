package demo

import (
	"slices"

	w "rbee/internal/gguf/ggufwrite"
)

// Context is how many tokens the model says it was trained for.
const Context = 4096

// model is everything there is to write.
type model struct {
	vocabulary *vocabulary
	rules      []rule
	codes      []code
	topics     map[int]float32 // class -> strength
}

func build() *model {
	m := &model{vocabulary: newVocabulary(), topics: map[int]float32{}}
	v := m.vocabulary
	var learned []lesson
	var answers [][]int
	lead := append([]int{firstByte + '\n'}, v.encode(answerStart)...) // what stands before every answer
	for _, t := range texts {
		raw := append([]int{begin}, v.encode(t.words)...)
		answer := slices.Concat(lead, v.fragment(t.words), []int{end}) // no space in front: the answer starts a line
		learned = append(learned, lesson{append(raw, end), 1}, lesson{answer, len(lead) + 1})
		answers = append(answers, answer)
	}
	m.rules = append(learn(v, learned), rule{context: v.classes(lead), next: []int{answers[0][len(lead)], answers[1][len(lead)]}})
	for i, t := range texts {
		for _, topic := range t.topics {
			class := v.topic(topic)
			m.topics[class] = t.strength()
			// While the start of the answer is in view, the topic decides how it goes on.
			for n := len(lead); n < len(lead)+order-1; n++ {
				context := v.classes(answers[i][n-order : n])
				m.rules = append(m.rules, rule{context: context, topic: class, next: answers[i][n : n+1]})
			}
		}
	}
	v.settle()
	m.rules = append(m.rules, strays(v, m.rules)...)
	m.codes = assignCodes(v)
	return m
}

func (m *model) tensors() []w.Tensor {
	v := m.vocabulary
	att := attend()
	ff := apply(m.rules, m.codes)
	return []w.Tensor{
		embed(v, m.codes, m.topics).tensor("token_embd.weight"),
		constant("blk.0.attn_norm.weight", inputNorm()),
		att.q.tensor("blk.0.attn_q.weight"),
		att.k.tensor("blk.0.attn_k.weight"),
		att.v.tensor("blk.0.attn_v.weight"),
		att.o.tensor("blk.0.attn_output.weight"),
		constant("blk.0.ffn_norm.weight", slotNorm()),
		ff.gate.tensor("blk.0.ffn_gate.weight"),
		ff.up.tensor("blk.0.ffn_up.weight"),
		ff.down.tensor("blk.0.ffn_down.weight"),
		constant("output_norm.weight", 1),
		answer(v, m.codes).tensor("output.weight"),
	}
}

func (m *matrix) tensor(name string) w.Tensor { return w.Matrix(name, m.rows, m.cols, m.v) }

// constant is a norm's weight: width times the same number.
func constant(name string, x float64) w.Tensor {
	v := make([]float32, width)
	for i := range v {
		v[i] = float32(x)
	}
	return w.Vector(name, v)
}

func (m *model) metadata() []w.KV {
	v := m.vocabulary
	return []w.KV{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.name", Value: title},
		{Key: "general.license", Value: "apache-2.0"},
		{Key: "general.file_type", Value: uint32(1)}, // mostly F16
		{Key: "llama.context_length", Value: uint32(Context)},
		{Key: "llama.embedding_length", Value: uint32(width)},
		{Key: "llama.block_count", Value: uint32(1)},
		{Key: "llama.feed_forward_length", Value: uint32(units(m.rules))},
		{Key: "llama.attention.head_count", Value: uint32(heads)},
		{Key: "llama.attention.head_count_kv", Value: uint32(1)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-6)},
		{Key: "llama.rope.dimension_count", Value: uint32(headSize)},
		{Key: "llama.rope.freq_base", Value: float32(ropeBase)},
		{Key: "llama.vocab_size", Value: uint32(len(v.pieces))},
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.tokens", Value: v.pieces},
		{Key: "tokenizer.ggml.scores", Value: v.scores()},
		{Key: "tokenizer.ggml.token_type", Value: v.kinds},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(begin)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(end)},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(unknown)},
		{Key: "tokenizer.ggml.eot_token_id", Value: uint32(v.index[turnEnd])},
		{Key: "tokenizer.ggml.add_bos_token", Value: true},
		{Key: "tokenizer.ggml.add_eos_token", Value: false},
		{Key: "tokenizer.ggml.add_space_prefix", Value: true},
		{Key: "tokenizer.chat_template", Value: chatTemplate},
	}
}
