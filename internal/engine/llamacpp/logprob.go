package llamacpp

import (
	"math"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
)

// logprob returns what a request that wants log probabilities is told about t, which was picked after row; nil for
// others. Called after the pick: the sampler leaves the logits as they are.
func (m *model) logprob(s *sequence, row int32, t llama.Token) *engine.Logprob {
	top := s.request.Sampling.TopLogprobs
	if top == nil {
		return nil
	}
	logits, err := llama.GetLogitsIth(m.context, row, m.info.Vocabulary)
	if err != nil || logits == nil {
		return nil
	}
	if len(s.sampler.bias) > 0 {
		m.scratch.logits = append(m.scratch.logits[:0], logits...)
		logits = m.scratch.logits
		for _, b := range s.sampler.bias {
			logits[b.Token] += b.Bias
		}
	}
	sum := logSum(logits)
	name := func(t llama.Token) engine.Logprob {
		return engine.Logprob{Token: int32(t), Bytes: slices.Clone(m.piece(t)), Logprob: float64(logits[t]) - sum}
	}
	l := name(t)
	for _, t := range largest(logits, *top) {
		l.Top = append(l.Top, name(t))
	}
	return &l
}

// logSum is the logarithm of the sum of exp(logits).
func logSum(logits []float32) float64 {
	const nothing = -50 // the exponential of it is below what float64 can add to 1
	most := float64(slices.Max(logits))
	sum := 0.0
	for _, l := range logits {
		if d := float64(l) - most; d > nothing {
			sum += math.Exp(d)
		}
	}
	return most + math.Log(sum)
}

// largest returns the n tokens with the largest logits, best first; forbidden ones are left out.
func largest(logits []float32, n int) []llama.Token {
	var top []llama.Token
	for t, l := range logits {
		if n == 0 || math.IsInf(float64(l), -1) || len(top) == n && l <= logits[top[n-1]] {
			continue
		}
		if len(top) == n {
			top = top[:n-1]
		}
		at, _ := slices.BinarySearchFunc(top, l, func(t llama.Token, l float32) int {
			if logits[t] >= l { // of equal ones the first comes first
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, llama.Token(t))
	}
	return top
}
