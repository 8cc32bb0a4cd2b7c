package grammar

import (
	"bytes"
	"slices"
)

// Vocabulary is the texts of a model's tokens, in an order in which a grammar can be tried on all of them quickly:
// tokens that begin alike are tried once up to where they part. It never changes.
type Vocabulary struct {
	pieces [][]byte // by token
	sorted []int32  // tokens with a text, sorted by it
	alike  []int32  // of each in sorted, how many bytes it shares with the one before
}

// NewVocabulary takes the text of each token; one without a text is never allowed.
func NewVocabulary(pieces [][]byte) *Vocabulary {
	v := &Vocabulary{pieces: pieces}
	for id, p := range pieces {
		if len(p) > 0 {
			v.sorted = append(v.sorted, int32(id))
		}
	}
	slices.SortStableFunc(v.sorted, func(a, b int32) int { return bytes.Compare(pieces[a], pieces[b]) })
	v.alike = make([]int32, len(v.sorted))
	for i := 1; i < len(v.sorted); i++ {
		a, b := pieces[v.sorted[i-1]], pieces[v.sorted[i]]
		n := 0
		for n < len(a) && n < len(b) && a[n] == b[n] {
			n++
		}
		v.alike[i] = int32(n)
	}
	return v
}

// Piece returns the text of a token.
func (v *Vocabulary) Piece(token int32) []byte { return v.pieces[token] }

// Len returns how many tokens there are.
func (v *Vocabulary) Len() int { return len(v.pieces) }

// searchWork is how many positions in a grammar are looked at for each token of a vocabulary, on average. Within a JSON
// string, where nearly every token fits, it is some 15.
const searchWork = 64

// Allowed calls yes for every token whose text may follow s. stop is asked now and then whether to give up; then, and
// on an error, not all have been named. The error is ErrTooAmbiguous.
func (v *Vocabulary) Allowed(g *Grammar, s State, yes func(token int32), stop func() bool) error {
	var w walker
	w.items = append(w.items, s.items...)
	ends := []int{len(w.items)} // where in w.items the items end that await byte number 0, 1, ...
	left := MaxWork + searchWork*len(v.sorted)
	for i, tried := 0, 0; i < len(v.sorted); tried++ {
		if tried&255 == 0 && stop != nil && stop() {
			return nil
		}
		piece := v.pieces[v.sorted[i]]
		ends = ends[:min(int(v.alike[i])+1, len(ends))]
		w.items = w.items[:ends[len(ends)-1]]
		for len(ends) <= len(piece) {
			from := 0
			if len(ends) > 1 {
				from = ends[len(ends)-2]
			}
			complete := w.advance(g, w.items[from:ends[len(ends)-1]], piece[len(ends)-1])
			if left -= w.work; w.err != nil || left < 0 {
				return ErrTooAmbiguous
			}
			if !complete && len(w.items) == ends[len(ends)-1] {
				break
			}
			ends = append(ends, len(w.items))
		}
		if fits := len(ends) - 1; fits < len(piece) { // nothing that begins with one byte more can fit
			for i++; i < len(v.sorted) && int(v.alike[i]) > fits; i++ {
			}
			continue
		}
		yes(v.sorted[i])
		i++
	}
	return nil
}
