package llamacpp

import (
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"
)

const (
	// minReuse is the shortest prefix worth keeping: what is shorter is mostly the beginning of every prompt.
	//
	// What is kept was computed in other company than it would be now (see nextChunk), so its last bits may differ, and
	// with them, very rarely, a greedy answer: where two tokens are as likely as each other. To keep only whole chunks
	// would avoid that for the price of up to 127 tokens a request.
	minReuse = 8
	// A copy between slots moves all cells of a slot, whether they are used or not. One token computed costs more time
	// than the copy of a thousand cells, on any machine; copyShare is on the safe side of it.
	minCopy, copyShare = 32, 256
)

// slot is one of the context's sequences, with cells of its own. When its user leaves, the cells keep what they hold,
// for the next request that begins alike.
type slot struct {
	id   llama.SeqId
	user *sequence     // nil = free
	kept []llama.Token // what the cells hold while it is free
	left int           // when its last user left, as a count; 0 = never had one
}

// holds returns the tokens that the slot's cells hold.
func (s *slot) holds() []llama.Token {
	if s.user != nil {
		return s.user.tokens[:s.user.fed]
	}
	return s.kept
}

// match returns how many of tokens the slot holds, counted from the first.
func (s *slot) match(tokens []llama.Token) int {
	held := s.holds()
	n := min(len(held), len(tokens))
	for i := range n {
		if held[i] != tokens[i] {
			return i
		}
	}
	return n
}

// seatPlan says which slot a request gets, and how many of its tokens need not be computed: they are in from, which
// may be another slot, of somebody who is still answering even.
type seatPlan struct {
	to, from *slot
	n        int
}

// planSeat chooses among the free slots; there is one at least. The slot that holds the longest beginning of tokens is
// taken as it is if little else would be lost; else the beginning is copied to a slot that was left long ago (vacant),
// so that the conversation it belongs to can go on in its own. minCopy is what a copy must gain, 0 if none can be
// made.
func planSeat(all []*slot, tokens []llama.Token, minCopy int) seatPlan {
	var best, own *slot
	longest, ownLength, free := 0, 0, 0
	for _, s := range all {
		n := s.match(tokens)
		if n > longest {
			best, longest = s, n
		}
		if s.user != nil {
			continue
		}
		free++
		if n > ownLength && 2*n >= len(s.kept) {
			own, ownLength = s, n
		}
	}
	if longest < minReuse {
		to := vacant(all, nil)
		return seatPlan{to, to, 0}
	}
	copies := minCopy > 0 && best != nil
	switch {
	case own != nil && (own == best || !copies || longest-ownLength < minCopy):
		return seatPlan{own, own, ownLength}
	case best.user == nil && (free == 1 || !copies):
		return seatPlan{best, best, longest}
	case !copies:
		to := vacant(all, nil)
		return seatPlan{to, to, to.match(tokens)}
	}
	to := vacant(all, best) // keep it: somebody may come back to what it holds
	if n := to.match(tokens); longest-n < minCopy {
		if best.user == nil {
			return seatPlan{best, best, longest}
		}
		return seatPlan{to, to, n}
	}
	return seatPlan{to, best, longest}
}

// vacant returns the free slot to take when what it holds does not matter: of the half that was left longest ago, the one
// with most neighbours who are answering, since a gap between them costs a pass over all weights in every step (see
// fill). The other half is what somebody may well come back to. It leaves out except, if there is another.
func vacant(all []*slot, except *slot) (to *slot) {
	old, free := leftLongAgo(all, except)
	if len(free) == 0 {
		return except
	}
	most := -1
	for _, s := range free {
		if n := neighbours(all, s); n > most && s.left <= old {
			to, most = s, n
		}
	}
	return to
}

// leftLongAgo returns the free slots, those left longest ago first, and when the last of their older half was left.
func leftLongAgo(all []*slot, except *slot) (old int, free []*slot) {
	for _, s := range all {
		if s.user == nil && s != except {
			free = append(free, s)
		}
	}
	slices.SortStableFunc(free, func(a, b *slot) int { return a.left - b.left })
	if len(free) > 0 {
		old = free[(len(free)-1)/2].left
	}
	return old, free
}

// neighbours counts those beside s who are answering.
func neighbours(all []*slot, s *slot) (n int) {
	for _, i := range []int{int(s.id) - 1, int(s.id) + 1} {
		if i >= 0 && i < len(all) && all[i].user != nil {
			n++
		}
	}
	return n
}

// sit gives s a slot and, as far as one holds it, the beginning of its tokens.
func (m *model) sit(s *sequence) {
	most := len(s.tokens) - 1 // what follows the last token must be computed
	if s.replays() {
		most = s.prompt - 1
	}
	p := planSeat(m.all, s.tokens[:max(0, most)], m.minCopy)
	m.take(p.to, s)
	s.slot, s.fed = p.to, p.n
	if p.from != p.to {
		// All of it: cells of different slots are different memory, and llama.cpp copies that as a whole, before the
		// next step. What is too much of it is then forgotten.
		llama.MemorySeqCp(m.memory, p.from.id, p.to.id, -1, -1)
	}
	if p.n == 0 || !m.keep(p.to.id, p.n) {
		m.forget(s)
	}
	s.result.CachedTokens = min(s.fed, s.prompt)
}

// take gives s a free slot.
func (m *model) take(to *slot, s *sequence) {
	m.slots = slices.DeleteFunc(m.slots, func(free *slot) bool { return free == to })
	to.user, to.kept = s, nil
}

// keep takes all but the first n tokens out of a slot. False means that its memory cannot do that, or has lost some of
// the first: models with a recurrent state or a sliding window.
func (m *model) keep(id llama.SeqId, n int) bool {
	if ok, err := llama.MemorySeqRm(m.memory, id, llama.Pos(n), -1); err != nil || !ok {
		return false
	}
	first, err := llama.MemorySeqPosMin(m.memory, id)
	if err != nil || first != 0 {
		return false
	}
	last, err := llama.MemorySeqPosMax(m.memory, id)
	return err == nil && int(last) == n-1
}

// stand gives the slot of s back, with what it holds.
func (m *model) stand(s *sequence) {
	m.seatings++
	s.slot.user, s.slot.kept, s.slot.left = nil, s.tokens[:s.fed:s.fed], m.seatings
	m.slots = append(m.slots, s.slot)
}
