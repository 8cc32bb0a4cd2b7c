package llamacpp

import (
	"context"
	"sync"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// model is a loaded model.
type model struct {
	// Set by open, constant afterwards.
	info     engine.Info
	template *template
	vocab    llama.Vocab
	markers  []llama.Token // see findMarkers
	weights  llama.Model
	devices  []llama.GGMLBackendDevice // what weights were loaded on; llama.cpp holds a pointer to it
	context  llama.Context
	memory   llama.Memory
	path     string
	encoder  bool // it makes embeddings only: encoder.go. It has no context, memory and slots then
	chunk    int  // most prompt tokens in a step
	minCopy  int  // what a copy of a slot must gain, in tokens; 0 = this model's cannot be copied

	// The loop's own.
	active   []*sequence // in the order of their slots
	all      []*slot
	slots    []*slot // those that nobody has
	batch    *batch
	scratch  scratch
	embedder embedder
	pieceBuf []byte
	undone   int  // steps that were aborted
	turns    int  // see sequence.turn
	seatings int  // see slot.left
	moved    bool // somebody came, left or moved: see closeRanks

	// Between the loop and its callers.
	join   chan *sequence  // taken while there is a free slot; those who wait are served in order
	embeds chan *embedding // taken one at a time
	wake   chan struct{}   // somebody cancelled, or caught up
	abort  abortFlag
	users  sync.RWMutex  // held for reading by every Generate
	words  func() *words // the vocabulary's tables, made when they are first asked for
	close  sync.Once
	quit   chan struct{} // closed by Close
	gone   chan struct{} // closed when the loop has freed everything
}

var _ engine.Model = (*model)(nil)

func newModel() *model {
	m := &model{
		pieceBuf: make([]byte, 256),
		join:     make(chan *sequence),
		embeds:   make(chan *embedding),
		wake:     make(chan struct{}, 1),
		abort:    newAbortFlag(),
		quit:     make(chan struct{}),
		gone:     make(chan struct{}),
	}
	m.words = sync.OnceValue(func() *words { return newWords(m) })
	return m
}

// Info describes the model.
func (m *model) Info() engine.Info { return m.info }

// Generate runs one completion; see engine.Model. A caller that is slow in emit holds up its own answer only.
// While emit blocks, ctx stops the engine but not emit: emit must watch ctx itself.
func (m *model) Generate(ctx context.Context, r engine.Request, emit func(engine.Event) error) (engine.Result, error) {
	asked := time.Now()
	m.users.RLock()
	defer m.users.RUnlock()
	select {
	case <-m.quit:
		return engine.Result{}, errClosed
	default:
	}
	if err := m.refuseToGenerate(); err != nil {
		return engine.Result{}, err
	}
	if err := m.checkSampling(r.Sampling); err != nil {
		return engine.Result{}, err
	}
	tokens, err := m.tokenize(r)
	if err != nil {
		return engine.Result{}, err
	}
	limit, err := answerLimit(len(tokens), r.MaxTokens, m.info.Context)
	if err != nil {
		return engine.Result{PromptTokens: len(tokens)}, err
	}
	s := newSequence(r, tokens, limit, asked)
	if s.constraint, err = m.constrain(r); err != nil {
		return s.result, err
	}
	if over, err := m.resume(s, emit); over || err != nil {
		return s.result, err
	}
	select {
	case m.join <- s:
	case <-ctx.Done():
		s.result.Queued, s.result.FinishReason = time.Since(asked), engine.FinishCancelled
		return s.result, ctx.Err()
	case <-m.quit:
		return engine.Result{}, errClosed
	}
	return m.follow(ctx, s, emit)
}

// answerLimit returns how many tokens the answer may have.
func answerLimit(prompt, most, size int) (int, error) {
	if most < 0 {
		return 0, fault.New(fault.InvalidRequest, "max_tokens is %d: it must be 1 or more, or 0 for no limit", most).With("field", "max_tokens")
	}
	if need := prompt + max(1, most); need > size {
		return 0, fault.New(fault.ContextOverflow, "the prompt has %d tokens, the answer up to %d: together %d, the context holds %d",
			prompt, max(1, most), need, size).
			WithHint("shorten the prompt, ask for fewer tokens (--max-tokens), or load with a larger --ctx").
			With("prompt_tokens", prompt).With("max_tokens", most).With("needed", need).With("context", size)
	}
	if most == 0 {
		return size - prompt, nil
	}
	return most, nil
}

// follow hands the events of s to emit until there are no more.
func (m *model) follow(ctx context.Context, s *sequence, emit func(engine.Event) error) (engine.Result, error) {
	cancel := func() {
		s.cancelled.Store(true)
		m.abort.raise()
		m.rouse()
	}
	defer context.AfterFunc(ctx, cancel)()
	var stopped error // why nothing is emitted any more
	emitted := s.resumed
	for e := range s.events {
		if s.waiting.CompareAndSwap(true, false) {
			m.rouse()
		}
		if stopped == nil {
			stopped = ctx.Err()
		}
		if stopped != nil {
			continue // the loop is about to let go of it
		}
		if e.Prefill == nil && e.Token != engine.NoToken {
			emitted++
		}
		if stopped = emit(e); stopped != nil {
			cancel()
		}
	}
	if stopped == nil && s.err != nil && ctx.Err() != nil {
		stopped = ctx.Err()
	}
	if stopped != nil {
		s.result.CompletionTokens = emitted
		s.result.FinishReason = engine.FinishCancelled
		return s.result, stopped
	}
	return s.result, s.err
}

// rouse wakes the loop if it waits.
func (m *model) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Close ends what runs (those calls return an error), frees the model and returns when it is gone.
func (m *model) Close() error {
	m.close.Do(func() {
		close(m.quit)
		m.abort.raise()
	})
	<-m.gone
	return nil
}

// free gives back what open made, in reverse. Called by the loop.
func (m *model) free() {
	m.embedder.free()
	if m.batch != nil {
		m.batch.free()
	}
	if m.context != 0 {
		llama.Free(m.context)
	}
	if m.weights != 0 {
		llama.ModelFree(m.weights)
	}
}
