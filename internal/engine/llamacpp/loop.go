package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// What llama_decode returns.
const (
	decodeDone    = 0
	decodeAborted = 2
)

// run is the loop's goroutine: it opens the model, says so on ready, and serves until Close.
func (m *model) run(o engine.LoadOptions, dev device, ready chan<- error) {
	// The thread must outlive the goroutine: one that native code has called back on, and that then ends, crashes the
	// process when the program is built with cgo (purego v0.10.0, Go 1.26; 30 lines show it). So it is unlocked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(m.gone)
	defer m.free()
	err := m.open(o, dev)
	ready <- err
	if err != nil {
		return
	}
	for m.admit() {
		m.dropCancelled()
		m.closeRanks()
		if m.fill() {
			m.step()
		}
		m.embed()
	}
	if j := m.embedder.now; j != nil {
		j.done <- errClosed
	}
	for _, s := range m.active {
		m.leave(s, engine.FinishCancelled, errClosed)
	}
	m.users.Lock() // waits until every Generate has returned: they read the vocabulary, which free takes away
	defer m.users.Unlock()
}

// admit lets requests in while there are slots. It waits only if there is nothing else to do: no sequence, or none
// whose caller keeps up. False means Close.
func (m *model) admit() bool {
	for {
		join := m.join
		if len(m.slots) == 0 {
			join = nil
		}
		embeds := m.embeds
		if m.embedder.now != nil {
			embeds = nil
		}
		if m.busy() {
			select {
			case <-m.quit:
				return false
			case s := <-join:
				m.enter(s)
				continue
			case m.embedder.now = <-embeds:
				continue
			default:
				return true
			}
		}
		select {
		case <-m.quit:
			return false
		case s := <-join:
			m.enter(s)
		case m.embedder.now = <-embeds:
		case <-m.wake:
			return true
		}
	}
}

// busy says whether a step could be made now, or a sequence wants to leave.
func (m *model) busy() bool {
	if m.embedder.now != nil {
		return true
	}
	for _, s := range m.active {
		if s.cancelled.Load() || s.hasRoom() {
			return true
		}
	}
	return false
}

func (m *model) enter(s *sequence) {
	s.result.Queued = time.Since(s.asked)
	m.sit(s)
	s.sampler = m.newSampler(s)
	m.place(s)
}

// place puts s among those who are answering, in the order of the slots.
func (m *model) place(s *sequence) {
	m.moved = true
	at, _ := slices.BinarySearchFunc(m.active, s.slot.id, func(a *sequence, id llama.SeqId) int { return int(a.slot.id - id) })
	m.active = slices.Insert(m.active, at, s)
}

// leave gives the slot back; what its cells hold stays there.
func (m *model) leave(s *sequence, reason string, err error) {
	m.unseat(s)
	llama.SamplerFree(s.sampler.chain)
	m.stand(s)
	s.finish(reason, err)
}

// unseat takes s from those who are answering. Who goes through them may call it: it makes a new list.
func (m *model) unseat(s *sequence) {
	m.moved = true
	for i, a := range m.active {
		if a == s {
			m.active = append(m.active[:i:i], m.active[i+1:]...)
			break
		}
	}
}

func (m *model) dropCancelled() {
	m.abort.lower() // before looking: whoever cancels after this raises it again
	for _, s := range m.active {
		if s.cancelled.Load() {
			m.leave(s, engine.FinishCancelled, context.Canceled)
		}
	}
}

// fill gathers a step: the next token of each sequence that is answering, and a chunk of prompt. Sequences that read
// their prompts take turns with the chunk, so that a short prompt does not wait for a long one; several short ones
// share it.
//
// The step is written in the order of the slots, as m.active is: llama.cpp computes sequences together only if their
// numbers follow each other, and reads all weights once more for each that does not.
func (m *model) fill() bool {
	m.batch.clear()
	room := batchSize
	for _, s := range m.active {
		s.share = 0
		if s.unfed() == 1 && room > 0 && s.hasRoom() {
			s.share = 1
			room--
		}
	}
	for left := m.chunk; left > 0; {
		s := m.nextReader()
		if s == nil {
			break
		}
		n := nextChunk(s.fed, len(s.tokens), m.chunk)
		if n > room || n > left && left < m.chunk {
			break
		}
		m.turns++
		s.turn, s.share = m.turns, n
		room, left = room-n, left-n
	}
	for _, s := range m.active {
		if s.share > 0 {
			m.mustAdd(s, s.share)
		}
	}
	return len(m.batch.parts) > 0
}

// nextReader returns the sequence whose turn it is to read its prompt, of those that are not in the step yet.
func (m *model) nextReader() (next *sequence) {
	for _, s := range m.active {
		if s.unfed() > 1 && (next == nil || s.turn < next.turn) && s.share == 0 && s.hasRoom() {
			next = s
		}
	}
	return next
}

func (m *model) mustAdd(s *sequence, n int) {
	if s.started.IsZero() {
		s.started = time.Now()
	}
	if err := m.batch.add(s, n); err != nil {
		panic(fmt.Sprintf("llamacpp: the batch was counted wrong: %v", err))
	}
}

// step decodes the batch and samples for each sequence that has reached its end.
func (m *model) step() {
	rc, err := llama.Decode(m.context, m.batch.native)
	if err == nil && rc == decodeDone {
		for _, p := range m.batch.parts {
			m.advance(p)
		}
		return
	}
	// Undo. An aborted step is made again without those who asked for it; a failed one fails for all in it.
	for _, p := range m.batch.parts {
		m.rewind(p)
	}
	if rc == decodeAborted && err == nil {
		m.undone++
		return
	}
	said := lastOf(complaints())
	for _, p := range m.batch.parts {
		m.forget(p.s) // who knows what a failed step has left in it
		m.leave(p.s, "", fault.New(fault.Internal, "llama.cpp could not decode %d tokens (code %d): %s", m.batch.native.NTokens, rc, said))
	}
}

// rewind takes out of the context's memory what the step may have put there.
func (m *model) rewind(p part) {
	if ok, err := llama.MemorySeqRm(m.memory, p.s.slot.id, llama.Pos(p.before), -1); err != nil || !ok {
		m.forget(p.s) // a recurrent model's state cannot give back its newest part
	}
}

// forget empties the context's memory of s, which is then fed again from its first token.
func (m *model) forget(s *sequence) {
	llama.MemorySeqRm(m.memory, s.slot.id, -1, -1)
	s.fed = 0
}

// advance takes note of what was fed and, at the end of what there is, samples the next token.
func (m *model) advance(p part) {
	s := p.s
	s.fed += p.n
	if s.result.CompletionTokens == s.resumed { // not when it is fed again after a rewind
		s.events <- engine.Event{Prefill: &engine.Progress{Done: min(s.fed, s.begun), Total: s.begun}}
	}
	if s.replays() {
		if err := m.replay(p); err != nil {
			m.leave(s, engine.FinishCancelled, err)
			return
		}
	}
	if p.ends {
		m.sample(s, p.last)
	}
}

// sample picks the token that follows row and sends its text, or ends the sequence.
func (m *model) sample(s *sequence, row int32) {
	t, err := m.pick(s, row)
	if err != nil {
		m.leave(s, engine.FinishCancelled, err)
		return
	}
	now := time.Now()
	r := &s.result
	if r.FirstToken.IsZero() {
		r.FirstToken = now
		r.Prefill = now.Sub(s.started)
	}
	r.Decode = now.Sub(r.FirstToken)
	if llama.VocabIsEOG(m.vocab, t) {
		m.end(s, engine.FinishStop)
		return
	}
	r.CompletionTokens++
	s.tokens = append(s.tokens, t)
	e := engine.Event{Token: int32(t), Logprob: m.logprob(s, row, t)} // before the piece, whose bytes it overwrites
	var stopped bool
	e.Text, stopped = s.pieces.push(m.piece(t))
	s.events <- e
	switch {
	case stopped:
		m.leave(s, engine.FinishStop, nil)
	case s.over():
		m.end(s, engine.FinishStop)
	case r.CompletionTokens == s.limit:
		m.end(s, engine.FinishLength)
	}
}

// end sends what was held back and leaves.
func (m *model) end(s *sequence, reason string) {
	if rest := s.pieces.flush(); rest != "" {
		s.events <- engine.Event{Text: rest, Token: engine.NoToken}
	}
	m.leave(s, reason, nil)
}

// piece returns the bytes of a token, until the next call.
func (m *model) piece(t llama.Token) (piece []byte) {
	piece, m.pieceBuf = m.pieceOf(t, m.pieceBuf)
	return piece
}

var errClosed = errors.New("the model was closed")
