package llamacpp

import (
	"math"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

const (
	// penaltyWindow is how many tokens the penalties look back if the request does not say, prompt included.
	penaltyWindow = 64
	// forbids is the bias from which on a token is never picked: OpenAI's clients ban tokens with -100.
	forbids = -100
	// maxTopLogprobs is how many alternatives a request may see.
	maxTopLogprobs = 100
)

// checkSampling refuses values that have no meaning.
func (m *model) checkSampling(s engine.Sampling) error {
	top := 0
	if s.TopLogprobs != nil {
		top = *s.TopLogprobs
	}
	for _, f := range []struct {
		name            string
		value, min, max float64
	}{
		{"temperature", s.Temperature, 0, 2},
		{"top_k", float64(s.TopK), 0, math.MaxInt32},
		{"top_p", s.TopP, 0, 1},
		{"min_p", s.MinP, 0, 1},
		{"repeat_penalty", s.RepeatPenalty, 0, 10},
		{"presence_penalty", s.PresencePenalty, -2, 2},
		{"frequency_penalty", s.FrequencyPenalty, -2, 2},
		{"repeat_last_n", float64(s.RepeatLastN), -1, maxContext},
		{"top_logprobs", float64(top), 0, maxTopLogprobs},
	} {
		if !(f.value >= f.min && f.value <= f.max) { // written so that NaN is refused
			return fault.New(fault.InvalidRequest, "%s is %g: it must be between %g and %g", f.name, f.value, f.min, f.max).
				With("field", f.name)
		}
	}
	for t, bias := range s.LogitBias {
		if err := m.checkToken("logit_bias", t); err != nil {
			return err
		}
		if bias != bias {
			return fault.New(fault.InvalidRequest, "logit_bias of token %d is no number", t).With("field", "logit_bias")
		}
	}
	return nil
}

// checkToken refuses what is no token: native code ends the process at one.
func (m *model) checkToken(field string, t int32) error {
	if t >= 0 && int(t) < m.info.Vocabulary {
		return nil
	}
	return fault.New(fault.InvalidRequest, "%s: there is no token %d, the model has those from 0 to %d", field, t, m.info.Vocabulary-1).
		With("field", field)
}

// sampler is what picks the tokens of a sequence.
type sampler struct {
	chain llama.Sampler
	bias  []llama.LogitBias
}

// newSampler builds the chain that picks the next token: bias, penalties, top-k, top-p, min-p, temperature, draw; or
// the most likely one at temperature 0. The caller frees it.
//
// As in llama.cpp's own programs, ignoring the end of text means that it is never picked, and the penalties know the
// end of the prompt.
func (m *model) newSampler(seq *sequence) sampler {
	s := seq.request.Sampling
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	add := func(s llama.Sampler) { llama.SamplerChainAdd(chain, s) }
	n := int32(m.info.Vocabulary)
	bias := m.biasOf(seq.request)
	if len(bias) > 0 {
		add(llama.SamplerInitLogitBias(n, int32(len(bias)), &bias[0]))
	}
	window := m.window(s)
	if window > 0 {
		repeat := s.RepeatPenalty
		if repeat == 0 {
			repeat = 1
		}
		add(llama.SamplerInitPenalties(n, int32(window), float32(repeat), float32(s.FrequencyPenalty), float32(s.PresencePenalty)))
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
	passed := seq.tokens
	if seq.replays() { // the others pass when their turn comes
		passed = passed[:seq.prompt]
	}
	for _, t := range passed[max(0, len(passed)-window):] {
		llama.SamplerAccept(chain, t)
	}
	return sampler{chain, bias}
}

// window returns how many tokens the penalties look back, 0 if there are none.
func (m *model) window(s engine.Sampling) int {
	if (s.RepeatPenalty == 0 || s.RepeatPenalty == 1) && s.PresencePenalty == 0 && s.FrequencyPenalty == 0 {
		return 0
	}
	switch {
	case s.RepeatLastN < 0:
		return m.info.Context
	case s.RepeatLastN == 0:
		return penaltyWindow
	}
	return min(s.RepeatLastN, m.info.Context)
}

// biasOf returns what is added to the logits of single tokens.
func (m *model) biasOf(r engine.Request) []llama.LogitBias {
	var bias []llama.LogitBias
	if r.IgnoreEOS {
		bias = m.words().neverEnd()
	}
	for t, b := range r.Sampling.LogitBias {
		if b <= forbids {
			b = float32(math.Inf(-1))
		}
		bias = append(bias, llama.LogitBias{Token: llama.Token(t), Bias: b})
	}
	return bias
}
