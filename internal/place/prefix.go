package place

import (
	"encoding/binary"
	"hash/fnv"

	"rbee/messages"
)

const (
	// blockBytes is how much of a prompt one hash covers: some 60 tokens, which is about what is worth going elsewhere
	// for.
	blockBytes = 256
	// maxBlocks bounds what a request carries, and what is hashed of a long document.
	maxBlocks = 128
	// maxKnown bounds what is remembered of one worker: more than its slots can hold of such blocks.
	maxKnown = 4096
)

// Prefix hashes the leading blocks of what the model will read, each together with all before it: two requests with n
// equal hashes have the first n blocks in common. What the template puts around the text is the same for both, so it
// need not be known. A last, partial block counts only for itself, and is left out.
func Prefix(g *messages.Generate) (hashes []uint64) {
	h := fnv.New64a()
	var in int // bytes in the present block
	add := func(s string) {
		for len(s) > 0 && len(hashes) < maxBlocks {
			n := min(len(s), blockBytes-in)
			_, _ = h.Write([]byte(s[:n]))
			if s, in = s[n:], in+n; in == blockBytes {
				hashes, in = append(hashes, h.Sum64()), 0
			}
		}
	}
	field := func(s string) { // with its length, so that ("ab", "c") is not ("a", "bc")
		var size [4]byte
		binary.LittleEndian.PutUint32(size[:], uint32(len(s)))
		add(string(size[:]))
		add(s)
	}
	if c := g.GetChat(); c != nil {
		field(c.GetToolsJson())
		field(c.GetTemplateArgsJson())
	}
	for _, m := range g.GetMessages() {
		field(m.GetRole())
		field(m.GetName())
		// The content comes without its length: a text that another one begins with shares all its blocks.
		add(m.GetContent())
		field(m.GetToolCallsJson())
	}
	add(g.GetPrompt())
	for _, t := range g.GetPromptTokens() {
		var id [4]byte
		binary.LittleEndian.PutUint32(id[:], uint32(t))
		add(string(id[:]))
	}
	return hashes
}

// Known is which prefixes a worker has read lately. The zero value knows none.
type Known struct {
	in   map[uint64]int // hash > how often it is in ring
	ring []uint64
	next int
}

// Add notes that the worker has read a prompt of that prefix.
func (k *Known) Add(prefix []uint64) {
	if k.in == nil {
		k.in = map[uint64]int{}
	}
	for _, h := range prefix {
		if k.in[h]++; len(k.ring) < maxKnown {
			k.ring = append(k.ring, h)
			continue
		}
		old := k.ring[k.next]
		if k.in[old]--; k.in[old] == 0 {
			delete(k.in, old)
		}
		k.ring[k.next], k.next = h, (k.next+1)%maxKnown
	}
}

// Match is how many leading blocks of that prefix the worker has read. Of nothing known it is 0.
func (k *Known) Match(prefix []uint64) int {
	n := 0
	for k != nil && n < len(prefix) && k.in[prefix[n]] > 0 {
		n++
	}
	return n
}
