package llamacpp

import "github.com/hybridgroup/yzma/pkg/llama"

// When somebody in the middle leaves, the others are in two groups, and llama.cpp computes each for itself: another pass
// over all weights in every step, and products of a few rows that cost as much as one of many. Of 22 layers with four
// answers on one core, a step takes 103 ms in one group, 138 in two, 148 in four; to move one to another slot takes some
// 1 to 8 ms for 2,048 cells, once. So one is moved where that makes the groups fewer.

// planMove says who is to move where, nil if nobody. A slot that was left of late is no place to go to: see vacant.
// mayMove is asked for those in question only.
func planMove(all []*slot, mayMove func(*sequence) bool) (from, to *slot) {
	old, free := leftLongAgo(all, nil)
	best := 0
	for _, t := range free {
		if t.left > old {
			break
		}
		for _, s := range all {
			if s.user == nil {
				continue
			}
			// Who goes makes one group less if alone, one more if between two; who comes, the other way round.
			gain := neighbours(all, t) - neighbours(all, s)
			if d := s.id - t.id; d == 1 || d == -1 { // will not be beside itself
				gain--
			}
			if gain > best && mayMove(s.user) {
				from, to, best = s, t, gain
			}
		}
	}
	return from, to
}

// closeRanks moves a sequence if that is worth it, after somebody came or left.
func (m *model) closeRanks() {
	if !m.moved || m.minCopy == 0 || len(m.slots) == 0 {
		return
	}
	from, to := planMove(m.all, func(s *sequence) bool { return s.limit-s.result.CompletionTokens >= m.minCopy })
	if m.moved = from != nil; !m.moved {
		return
	}
	s := from.user
	m.unseat(s)
	m.stand(s) // its cells stay what they are: somebody may begin alike
	m.take(to, s)
	s.slot = to
	llama.MemorySeqRm(m.memory, to.id, -1, -1)
	llama.MemorySeqCp(m.memory, from.id, to.id, -1, -1) // all of it, as in sit
	m.place(s)
}
