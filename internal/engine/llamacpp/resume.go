package llamacpp

import (
	"strings"
	"unicode/utf8"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// resume makes s the continuation of an answer that was begun elsewhere: its tokens pass the grammar and the stop
// strings as if they had been sampled here, and text that was made of them but not sent is sent now. over means that
// the answer was complete already, and s.result says how.
//
// The sampler sees them later. At temperature 0 it is enough that the penalties know them. Else the draws have to be
// made again, because each changes the next: see replay.
func (m *model) resume(s *sequence, emit func(engine.Event) error) (over bool, err error) {
	r := s.request.Resume
	if r == nil {
		return false, nil
	}
	reason, text, err := m.relive(s, r.Tokens)
	if err != nil {
		return false, err
	}
	if r.SentBytes < 0 || r.SentBytes > len(text) || r.SentBytes < len(text) && !utf8.RuneStart(text[r.SentBytes]) {
		return false, fault.New(fault.InvalidRequest, "%d bytes of the answer were sent, but its %d tokens are %d bytes", r.SentBytes, len(r.Tokens), len(text)).
			With("field", "resume")
	}
	s.resumed, s.begun = s.result.CompletionTokens, len(s.tokens)
	if rest := text[r.SentBytes:]; rest != "" {
		if err := emit(engine.Event{Text: rest, Token: engine.NoToken}); err != nil {
			s.result.FinishReason = engine.FinishCancelled
			return true, err
		}
	}
	s.result.FinishReason = reason
	return reason != "", nil
}

// relive appends tokens to s as sample would have, up to where the answer ends, if it does. text is all that may be
// shown of them.
func (m *model) relive(s *sequence, tokens []int32) (reason, text string, err error) {
	if s.constraint != nil {
		past := *s.constraint
		s.past = &past
	}
	var shown strings.Builder
	var buf []byte
	end := func(reason string) (string, string, error) {
		shown.WriteString(s.pieces.flush())
		return reason, shown.String(), nil
	}
	for _, id := range tokens {
		if err := m.checkToken("resume", id); err != nil {
			return "", "", err
		}
		t := llama.Token(id)
		if llama.VocabIsEOG(m.vocab, t) {
			return end(engine.FinishStop)
		}
		if s.constraint != nil {
			if ok, err := s.fits(m, t); err != nil || !ok {
				return "", "", fault.New(fault.InvalidRequest, "token %d of the answer so far does not fit its grammar", s.result.CompletionTokens).With("field", "resume")
			}
			if err := s.accept(m, t); err != nil {
				return "", "", err
			}
		}
		s.result.CompletionTokens++
		s.tokens = append(s.tokens, t)
		var piece []byte
		piece, buf = m.pieceOf(t, buf)
		part, stopped := s.pieces.push(piece)
		shown.WriteString(part)
		switch {
		case stopped:
			return engine.FinishStop, shown.String(), nil
		case s.over():
			return end(engine.FinishStop)
		case s.result.CompletionTokens == s.limit:
			return end(engine.FinishLength)
		}
	}
	return "", shown.String(), nil
}

// replays says whether the tokens that s has from elsewhere must pass the sampler one by one.
func (s *sequence) replays() bool { return s.resumed > 0 && s.request.Sampling.Temperature > 0 }

// toReplay says whether what comes before token n must be computed in full, because n is to pass the sampler.
func (s *sequence) toReplay(n int) bool {
	return s.replays() && n >= max(s.prompt, s.replayed) && n < s.begun
}

// replay makes the draws again that once led to the tokens whose predecessors were just fed, so that the next draw is
// the one that would have followed. What is drawn now is of no interest. (How often llama.cpp draws cannot be counted
// instead: it does not when only one token is left to choose from.)
func (m *model) replay(p part) error {
	s := p.s
	for i := range p.n {
		next := p.before + i + 1
		if !s.toReplay(next) {
			continue
		}
		if err := m.redraw(s, s.past, p.last-int32(p.n-1-i)); err != nil {
			return err
		}
		llama.SamplerAccept(s.sampler.chain, s.tokens[next])
		if s.past != nil {
			if err := s.past.accept(m, s.tokens[next]); err != nil {
				return err
			}
		}
		s.replayed = next + 1
	}
	return nil
}
