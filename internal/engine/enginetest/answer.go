package enginetest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"rbee/internal/engine"
	"rbee/internal/engine/grammar"
	"rbee/internal/fault"
)

// The fake's tokens: answer token n is n, and its text is a word. If n is forbidden, another comes instead. An answer
// that follows a grammar is made of bytes instead.
const (
	firstOther = 1 << 16
	firstByte  = 1 << 17
)

// fakeAnswer is one generation.
type fakeAnswer struct {
	engine.Result
	model   *fakeModel
	request engine.Request
	emit    func(engine.Event) error
	stop    stopper
	limit   int
	grammar *grammar.Grammar // nil = free
	state   grammar.State
}

// begin reads the grammar and goes through what was made of the answer elsewhere. over means that it was complete.
func (a *fakeAnswer) begin() (over bool, err error) {
	a.limit = a.model.info.Context - a.PromptTokens
	if a.request.MaxTokens > 0 {
		a.limit = a.request.MaxTokens
	}
	if text := a.request.Sampling.Grammar; text != "" {
		if a.grammar, err = grammar.New(text); err == nil {
			a.state, err = a.grammar.Start()
		}
		if err != nil {
			return false, err
		}
	}
	b := a.request.Resume
	if b == nil {
		return false, nil
	}
	if err := a.model.checkTokens("resume", b.Tokens...); err != nil {
		return false, err
	}
	var shown strings.Builder
	for _, t := range b.Tokens {
		text, stopped, err := a.take(t)
		if err != nil {
			return false, err
		}
		shown.WriteString(text)
		if over = stopped || a.done(); over {
			break
		}
	}
	if over && a.FinishReason == engine.FinishCancelled { // else a stop string ended it
		a.finish()
		shown.WriteString(a.stop.held)
	}
	text := shown.String()
	if b.SentBytes < 0 || b.SentBytes > len(text) {
		return false, fault.New(fault.InvalidRequest, "%d bytes of the answer were sent, but its %d tokens are %d bytes", b.SentBytes, len(b.Tokens), len(text)).
			With("field", "resume")
	}
	if rest := text[b.SentBytes:]; rest != "" {
		return over, a.emit(engine.Event{Text: rest, Token: engine.NoToken})
	}
	return over, nil
}

// take counts a token and returns what may be shown of its text.
func (a *fakeAnswer) take(t int32) (text string, stopped bool, err error) {
	word := a.text(t)
	if a.grammar != nil {
		next, err := a.grammar.Advance(a.state, []byte(word))
		if err != nil {
			return "", false, err
		}
		if next.Over() && !next.Complete() {
			return "", false, fault.New(fault.InvalidRequest, "token %d of the answer so far does not fit its grammar", a.CompletionTokens).With("field", "resume")
		}
		a.state = next
	}
	a.CompletionTokens++
	if text, stopped = a.stop.push(word); stopped {
		a.FinishReason = engine.FinishStop
	}
	return text, stopped, nil
}

// done says whether the answer is as long as it gets.
func (a *fakeAnswer) done() bool {
	natural := a.model.script.Tokens // where the answer ends by itself
	if natural == 0 {
		natural = 16
	}
	n := a.CompletionTokens
	switch {
	case n == a.limit:
		return true
	case a.grammar != nil:
		return a.state.Over() || a.state.Complete() && n >= natural
	}
	return n == natural && !a.request.IgnoreEOS
}

func (a *fakeAnswer) finish() {
	a.FinishReason = engine.FinishStop
	if a.CompletionTokens == a.limit && !(a.grammar != nil && a.state.Over()) {
		a.FinishReason = engine.FinishLength
	}
}

func (a *fakeAnswer) decode(ctx context.Context, started time.Time) error {
	m := a.model
	for {
		if err := m.script.meet(Point{AtDecode, a.CompletionTokens}); err != nil {
			return err
		}
		if a.done() {
			break
		}
		if err := pause(ctx, m.tokenTime()); err != nil {
			return err
		}
		now := time.Now()
		if a.FirstToken.IsZero() {
			a.FirstToken, a.Prefill = now, now.Sub(started)
		}
		a.Decode = now.Sub(a.FirstToken)
		t, err := a.pick()
		if err != nil {
			return err
		}
		e := engine.Event{Token: t, Logprob: a.logprob(t)}
		counted := a.CompletionTokens
		var stopped bool
		if e.Text, stopped, err = a.take(t); err != nil {
			return err
		}
		if err := a.emit(e); err != nil {
			a.CompletionTokens, a.FinishReason = counted, engine.FinishCancelled
			return err
		}
		if stopped {
			return nil
		}
	}
	a.finish()
	if rest := a.stop.held; rest != "" {
		return a.emit(engine.Event{Text: rest, Token: engine.NoToken})
	}
	return nil
}

// pick chooses the next token.
func (a *fakeAnswer) pick() (int32, error) {
	n := a.CompletionTokens
	if a.grammar == nil {
		if bias, ok := a.request.Sampling.LogitBias[int32(n)]; ok && bias <= -100 {
			return int32(firstOther + n), nil
		}
		return int32(n), nil
	}
	var fits []int32
	if err := bytesOfText.Allowed(a.grammar, a.state, func(t int32) { fits = append(fits, firstByte+t) }, nil); err != nil {
		return 0, err
	}
	if len(fits) == 0 {
		return 0, fault.New(fault.InvalidRequest, "after %d tokens the model has none that goes on as the grammar wants", n).With("field", "grammar")
	}
	return fits[(n*7+int(a.request.Sampling.Seed))%len(fits)], nil
}

// bytesOfText is what answers to a grammar are made of: the bytes of plain text.
var bytesOfText = func() *grammar.Vocabulary {
	pieces := make([][]byte, utf8.RuneSelf)
	for b := range pieces {
		if b >= ' ' && b < 0x7f || b == '\n' || b == '\t' {
			pieces[b] = []byte{byte(b)}
		}
	}
	return grammar.NewVocabulary(pieces)
}()

// text is the text of a token.
func (a *fakeAnswer) text(t int32) string {
	switch {
	case t >= firstByte:
		return string(rune(t - firstByte))
	case t >= firstOther:
		return fmt.Sprintf(" other%d", t-firstOther)
	}
	return a.model.word(int(t), a.request.Sampling)
}

// logprob gives the token that was picked an even chance, and the others half of what is left each.
func (a *fakeAnswer) logprob(t int32) *engine.Logprob {
	top := a.request.Sampling.TopLogprobs
	if top == nil {
		return nil
	}
	l := &engine.Logprob{Token: t, Bytes: []byte(a.text(t)), Logprob: math.Log(0.5)}
	for i := range *top {
		o := engine.Logprob{Token: t, Bytes: l.Bytes, Logprob: l.Logprob * float64(i+1)}
		if i > 0 {
			o.Token = int32(firstOther + i)
			o.Bytes = []byte(a.text(o.Token))
		}
		l.Top = append(l.Top, o)
	}
	return l
}

// stopper is a plain stop string filter: it holds back as long as the text could still become a stop string.
type stopper struct {
	stops []string
	held  string
}

func (s *stopper) push(piece string) (text string, stopped bool) {
	s.held += piece
	for _, stop := range s.stops {
		if before, _, found := strings.Cut(s.held, stop); found {
			return before, true
		}
	}
	keep := 0
	for _, stop := range s.stops {
		for n := 1; n < len(stop) && n <= len(s.held); n++ {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = max(keep, n)
			}
		}
	}
	cut := len(s.held) - keep
	text, s.held = s.held[:cut], s.held[cut:]
	return text, false
}
