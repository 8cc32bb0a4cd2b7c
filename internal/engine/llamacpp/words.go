package llamacpp

import (
	"math"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine/grammar"
)

// words is what is asked of the vocabulary for all tokens at once. It is made once, by the first request that needs it
// and on its goroutine: it takes a call into native code for each token.
type words struct {
	*grammar.Vocabulary
	ends []llama.Token // tokens that end a text
}

func newWords(vocab llama.Vocab, n int) *words {
	w := &words{}
	pieces := make([][]byte, n)
	var buf []byte
	for t := range llama.Token(n) {
		if llama.VocabIsEOG(vocab, t) {
			w.ends = append(w.ends, t)
			continue
		}
		var p []byte
		p, buf = pieceOf(vocab, t, buf)
		pieces[t] = append(p[:0:0], p...)
	}
	w.Vocabulary = grammar.NewVocabulary(pieces)
	return w
}

// neverEnd is a bias that forbids every token that ends a text.
func (w *words) neverEnd() []llama.LogitBias {
	var bias []llama.LogitBias
	for _, t := range w.ends {
		bias = append(bias, llama.LogitBias{Token: t, Bias: float32(math.Inf(-1))})
	}
	return bias
}

// pieceOf returns the bytes of a token, in buf if they fit; control tokens have none.
func pieceOf(vocab llama.Vocab, t llama.Token, buf []byte) (piece, grown []byte) {
	if len(buf) == 0 {
		buf = make([]byte, 64)
	}
	for {
		n := int(llama.TokenToPiece(vocab, t, buf, 0, false))
		if n >= 0 {
			return buf[:n], buf
		}
		buf = make([]byte, -n)
	}
}
