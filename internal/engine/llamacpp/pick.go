package llamacpp

import (
	"context"
	"runtime"
	"slices"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/fault"
)

// scratch is memory that every pick uses again.
type scratch struct {
	candidates []llama.TokenData
	logits     []float32
	allowed    []llama.Token
	refused    []llama.Token
}

// pick chooses the token that follows row of the last step.
func (m *model) pick(s *sequence, row int32) (llama.Token, error) {
	if s.constraint == nil {
		return llama.SamplerSample(s.sampler.chain, m.context, row), nil
	}
	t, err := m.pickAllowed(s, s.constraint, row)
	if err != nil {
		return 0, err
	}
	llama.SamplerAccept(s.sampler.chain, t)
	return t, s.accept(m, t)
}

// redraw lets the sampler of s do for row what pick had it do when the token that follows was picked elsewhere, and
// takes no note of the choice. past is where the grammar was then.
func (m *model) redraw(s *sequence, past *constraint, row int32) error {
	if past != nil {
		_, err := m.pickAllowed(s, past, row)
		return err
	}
	c, _, err := m.candidates(row)
	if err == nil {
		choose(s.sampler.chain, c)
	}
	return err
}

// candidates returns all tokens with their logits, and the logits alone, until the next step.
func (m *model) candidates(row int32) ([]llama.TokenData, []float32, error) {
	logits, err := llama.GetLogitsIth(m.context, row, m.info.Vocabulary)
	if err != nil || logits == nil {
		return nil, nil, fault.New(fault.Internal, "llama.cpp has no logits for row %d", row)
	}
	c := m.scratch.candidates[:0]
	for t, l := range logits {
		c = append(c, llama.TokenData{Id: llama.Token(t), Logit: l})
	}
	m.scratch.candidates = c
	return c, logits, nil
}

// picksBeforeSearch is how many tokens that do not fit may be picked before those that do are looked for. A pick costs
// a tenth of a millisecond, the search through a large vocabulary some fifty where nearly everything fits, as in a
// JSON string; and where little fits, it costs next to nothing.
const picksBeforeSearch = 8

// pickAllowed chooses among the tokens that the grammar allows. Mostly what the model prefers is one of them, so it
// is let pick first, and again without what did not fit; then all that fit are looked for and the choice is made among
// those. The chances are the same either way.
func (m *model) pickAllowed(s *sequence, by *constraint, row int32) (llama.Token, error) {
	refused := m.scratch.refused[:0]
	for range picksBeforeSearch {
		c, _, err := m.candidates(row)
		if err != nil {
			return 0, err
		}
		for _, t := range slices.Backward(refused) { // candidates are in the tokens' order, and refused is too
			c = slices.Delete(c, int(t), int(t)+1)
		}
		t := choose(s.sampler.chain, c)
		if ok, err := by.fits(m, t); ok || err != nil {
			return t, err
		}
		at, _ := slices.BinarySearch(refused, t)
		refused = slices.Insert(refused, at, t)
		m.scratch.refused = refused
	}
	allowed, err := by.allowed(m, m.scratch.allowed[:0], s.cancelled.Load)
	m.scratch.allowed = allowed
	switch {
	case s.cancelled.Load():
		return 0, context.Canceled
	case err != nil:
		return 0, err
	case len(allowed) == 0:
		return 0, fault.New(fault.InvalidRequest, "after %d tokens the model has none that goes on as the grammar wants", s.result.CompletionTokens).
			With("field", "grammar")
	}
	_, logits, err := m.candidates(row)
	if err != nil {
		return 0, err
	}
	c := m.scratch.candidates[:0]
	for _, t := range allowed {
		c = append(c, llama.TokenData{Id: t, Logit: logits[t]})
	}
	return choose(s.sampler.chain, c), nil
}

// choose lets the chain work on candidates, which it may put into another order. The chain does not take note of the
// choice.
func choose(chain llama.Sampler, candidates []llama.TokenData) llama.Token {
	a := &llama.TokenDataArray{Data: &candidates[0], Size: uint64(len(candidates)), Selected: -1}
	llama.SamplerApply(chain, a)
	t := unsafe.Slice(a.Data, a.Size)[max(0, a.Selected)].Id
	runtime.KeepAlive(candidates)
	return t
}
