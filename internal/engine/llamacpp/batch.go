package llamacpp

import "github.com/hybridgroup/yzma/pkg/llama"

// batch is the tokens of one step, and which sequence each belongs to.
type batch struct {
	native llama.Batch
	parts  []part
	seq    []llama.SeqId // scratch
}

// part is what one sequence has in the step.
type part struct {
	s      *sequence
	before int   // s.fed before the step
	n      int   // tokens fed
	last   int32 // where in the batch the last of them is
	ends   bool  // it is the last the sequence has: the next is sampled from it
}

func newBatch(size int) *batch {
	return &batch{native: llama.BatchInit(int32(size), 0, 1), seq: make([]llama.SeqId, 1)}
}

func (b *batch) clear() {
	b.native.NTokens = 0
	b.parts = b.parts[:0]
}

// add takes the next n unfed tokens of s.
func (b *batch) add(s *sequence, n int) error {
	p := part{s: s, before: s.fed, n: n, ends: s.fed+n == len(s.tokens)}
	b.seq[0] = s.slot.id
	for i := range n {
		at := s.fed + i
		if err := b.native.Add(s.tokens[at], llama.Pos(at), b.seq, p.ends && i == n-1 || s.toReplay(at+1)); err != nil {
			return err
		}
	}
	p.last = b.native.NTokens - 1
	b.parts = append(b.parts, p)
	return nil
}

func (b *batch) free() { llama.BatchFree(b.native) }
