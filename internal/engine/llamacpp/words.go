package llamacpp

import (
	"math"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine/grammar"
)

// words is what is asked of the vocabulary for all tokens at once. It is made once, by the first request that needs it
// and on its goroutine: it takes a call into native code for each token.
type words struct {
	*grammar.Vocabulary
	ends []llama.Token // tokens that end a text
}

func newWords(m *model) *words {
	w := &words{}
	n := m.info.Vocabulary
	pieces := make([][]byte, n)
	var buf []byte
	for t := range llama.Token(n) {
		if llama.VocabIsEOG(m.vocab, t) {
			w.ends = append(w.ends, t)
			continue
		}
		var p []byte
		if p, buf = m.pieceOf(t, buf); len(p) > 0 && p[0] == 0 {
			continue // no grammar wants the zero byte, though many a class has it
		}
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

// toolMarkers are control tokens of some models that whoever reads an answer must see: what follows is a tool call.
var toolMarkers = []string{"[TOOL_CALLS]", "[ARGS]", "<tool_call>", "</tool_call>", "<|python_tag|>"}

// findMarkers returns the vocabulary's control tokens among texts.
func findMarkers(vocab llama.Vocab, texts []string) (found []llama.Token) {
	for _, text := range texts {
		if t := llama.Tokenize(vocab, text, false, true); len(t) == 1 && llama.VocabIsControl(vocab, t[0]) {
			found = append(found, t[0])
		}
	}
	return found
}

// pieceOf returns the bytes of a token, in buf if they fit; control tokens have none, but for the markers of tool calls.
func (m *model) pieceOf(t llama.Token, buf []byte) (piece, grown []byte) {
	if len(buf) == 0 {
		buf = make([]byte, 64)
	}
	for {
		n := int(llama.TokenToPiece(m.vocab, t, buf, 0, slices.Contains(m.markers, t)))
		if n >= 0 {
			return buf[:n], buf
		}
		buf = make([]byte, -n)
	}
}
