package llamacpp

import (
	"math"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// penaltyWindow is how many tokens the repeat penalty looks back, prompt included.
const penaltyWindow = 64

// checkSampling refuses values that have no meaning.
func checkSampling(s engine.Sampling) error {
	for _, f := range []struct {
		name            string
		value, min, max float64
	}{
		{"temperature", s.Temperature, 0, 2},
		{"top_k", float64(s.TopK), 0, math.MaxInt32},
		{"top_p", s.TopP, 0, 1},
		{"min_p", s.MinP, 0, 1},
		{"repeat_penalty", s.RepeatPenalty, 0, 10},
	} {
		if !(f.value >= f.min && f.value <= f.max) { // written so that NaN is refused
			return fault.New(fault.InvalidRequest, "%s is %g: it must be between %g and %g", f.name, f.value, f.min, f.max).
				With("field", f.name)
		}
	}
	return nil
}

// newSampler builds the chain that picks the next token: penalties, top-k, top-p, min-p, temperature, draw; or the
// most likely one at temperature 0. The caller frees it.
//
// As in llama.cpp's own programs, ignoring the end of text means that it is never picked, and the penalty knows
// the end of the prompt.
func (m *model) newSampler(s engine.Sampling, ignoreEOS bool, prompt []llama.Token) llama.Sampler {
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	add := func(s llama.Sampler) { llama.SamplerChainAdd(chain, s) }
	n := int32(m.info.Vocabulary)
	if ends := m.endTokens(); ignoreEOS && len(ends) > 0 {
		add(llama.SamplerInitLogitBias(n, int32(len(ends)), &ends[0]))
	}
	if s.RepeatPenalty != 0 && s.RepeatPenalty != 1 {
		add(llama.SamplerInitPenalties(n, penaltyWindow, float32(s.RepeatPenalty), 0, 0))
	}
	if s.Temperature == 0 {
		add(llama.SamplerInitGreedy())
	} else {
		if s.TopK > 0 {
			add(llama.SamplerInitTopK(int32(s.TopK)))
		}
		if s.TopP > 0 && s.TopP < 1 {
			add(llama.SamplerInitTopP(float32(s.TopP), 1))
		}
		if s.MinP > 0 {
			add(llama.SamplerInitMinP(float32(s.MinP), 1))
		}
		add(llama.SamplerInitTemp(float32(s.Temperature)))
		add(llama.SamplerInitDist(s.Seed))
	}
	for _, t := range prompt[max(0, len(prompt)-penaltyWindow):] {
		llama.SamplerAccept(chain, t)
	}
	return chain
}

// endTokens returns a bias that forbids every token that ends a text. Looked up once: it is a call for each token
// of the vocabulary.
func (m *model) endTokens() []llama.LogitBias {
	if m.ends == nil {
		m.ends = []llama.LogitBias{}
		for t := range llama.Token(m.info.Vocabulary) {
			if llama.VocabIsEOG(m.vocab, t) {
				m.ends = append(m.ends, llama.LogitBias{Token: t, Bias: float32(math.Inf(-1))})
			}
		}
	}
	return m.ends
}
