package llamacpp

import (
	"sync/atomic"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
)

const (
	// eventsAhead is how many events the loop may be ahead of a slow caller before it leaves its sequence out.
	eventsAhead = 64
	// eventsPerStep is the most one step sends to a sequence: progress, a token, what was held back at the end.
	eventsPerStep = 3
)

// sequence is one generation, from request to result.
type sequence struct {
	// Constant.
	request engine.Request
	prompt  int // tokens of the prompt
	limit   int // most tokens of the answer
	asked   time.Time
	pieces  *cutter

	// Set before it joins: what was made of the answer elsewhere, see resume.
	resumed     int // tokens of the answer
	begun       int // tokens of prompt and answer
	*constraint     // what the grammar allows next; nil = anything. The loop's from then on

	// The loop's, set when the sequence gets a slot.
	slot     *slot
	sampler  sampler
	tokens   []llama.Token // the prompt, then what was sampled
	fed      int           // how many of tokens the context's memory holds
	replayed int           // while it replays: how many of tokens have passed the sampler
	past     *constraint   // while it replays: where the grammar was then
	turn     int           // when it read a chunk of its prompt last
	share    int           // of the step that is being gathered, in tokens
	started  time.Time     // the first prompt token was fed

	// Written by the loop, read by the caller after events is closed.
	result engine.Result
	err    error

	// Between the two.
	events    chan engine.Event // the loop never blocks on it: see hasRoom
	cancelled atomic.Bool
	waiting   atomic.Bool // the loop left it out because events is full
}

func newSequence(r engine.Request, tokens []llama.Token, limit int, asked time.Time) *sequence {
	return &sequence{
		request: r, prompt: len(tokens), limit: limit, asked: asked,
		pieces: newCutter(r.Stop),
		begun:  len(tokens), tokens: tokens,
		events: make(chan engine.Event, eventsAhead),
		result: engine.Result{PromptTokens: len(tokens)},
	}
}

// unfed counts the tokens that are not in the context's memory: more than one while the prompt is read.
func (s *sequence) unfed() int { return len(s.tokens) - s.fed }

// hasRoom says whether a step may include s; if not, the caller wakes the loop when it has taken an event.
func (s *sequence) hasRoom() bool {
	if cap(s.events)-len(s.events) >= eventsPerStep {
		return true
	}
	s.waiting.Store(true)
	return cap(s.events)-len(s.events) >= eventsPerStep // it may have been emptied in between
}

// finish ends the sequence. Nothing of it is touched by the loop afterwards.
func (s *sequence) finish(reason string, err error) {
	s.result.FinishReason, s.err = reason, err
	close(s.events)
}
