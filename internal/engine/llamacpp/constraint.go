package llamacpp

import (
	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/engine/grammar"
)

// constraint is how far an answer has come in its grammar.
type constraint struct {
	grammar *grammar.Grammar
	state   grammar.State
}

// constrain reads the grammar of a request; none is nil.
func (m *model) constrain(r engine.Request) (*constraint, error) {
	text, err := m.grammarOf(r)
	if err != nil || text == "" {
		return nil, err
	}
	g, err := grammar.New(text)
	if err != nil {
		return nil, err
	}
	c := &constraint{grammar: g}
	if c.state, err = g.Start(); err != nil {
		return nil, err
	}
	m.words() // here, not on the loop
	return c, nil
}

// over says that nothing may follow.
func (c *constraint) over() bool { return c != nil && c.state.Over() }

// fits says whether t may come next.
func (c *constraint) fits(m *model, t llama.Token) (bool, error) {
	if llama.VocabIsEOG(m.vocab, t) {
		return c.state.Complete(), nil
	}
	piece := m.words().Piece(int32(t))
	if len(piece) == 0 {
		return false, nil
	}
	next, err := c.grammar.Advance(c.state, piece)
	if err != nil {
		return false, err
	}
	return next.Complete() || !next.Over(), nil
}

// allowed appends every token that may come next.
func (c *constraint) allowed(m *model, to []llama.Token, stop func() bool) ([]llama.Token, error) {
	w := m.words()
	err := w.Allowed(c.grammar, c.state, func(t int32) { to = append(to, llama.Token(t)) }, stop)
	if err == nil && c.state.Complete() {
		to = append(to, w.ends...)
	}
	return to, err
}

// accept goes on by a token.
func (c *constraint) accept(m *model, t llama.Token) (err error) {
	if llama.VocabIsEOG(m.vocab, t) {
		return nil
	}
	c.state, err = c.grammar.Advance(c.state, m.words().Piece(int32(t)))
	return err
}
