package enginetest

import (
	"math"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// check refuses what a real engine refuses.
func (m *fakeModel) check(r engine.Request, prompt int) error {
	s := r.Sampling
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
		{"repeat_last_n", float64(s.RepeatLastN), -1, math.MaxInt32},
		{"top_logprobs", float64(top), 0, 100},
		{"max_tokens", float64(r.MaxTokens), 0, math.MaxInt32},
	} {
		if !(f.value >= f.min && f.value <= f.max) {
			return fault.New(fault.InvalidRequest, "%s is %g: it must be between %g and %g", f.name, f.value, f.min, f.max).With("field", f.name)
		}
	}
	for t := range s.LogitBias {
		if err := m.checkTokens("logit_bias", t); err != nil {
			return err
		}
	}
	if err := m.checkTokens("prompt", r.Tokens...); err != nil {
		return err
	}
	if need := prompt + max(1, r.MaxTokens); need > m.info.Context {
		return fault.New(fault.ContextOverflow, "the prompt has %d tokens, the answer up to %d: together %d, the context holds %d",
			prompt, max(1, r.MaxTokens), need, m.info.Context).
			With("prompt_tokens", prompt).With("needed", need).With("context", m.info.Context)
	}
	return nil
}

func (m *fakeModel) checkTokens(field string, tokens ...int32) error {
	for _, t := range tokens {
		if t < 0 || int(t) >= m.info.Vocabulary {
			return fault.New(fault.InvalidRequest, "%s: there is no token %d, the model has those from 0 to %d", field, t, m.info.Vocabulary-1).With("field", field)
		}
	}
	return nil
}
