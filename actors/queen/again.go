package queen

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/transport"
	"rbee/messages"
)

const (
	// maxFruitless is how many workers in a row may be lost without a new token, and the request be sent out again. One
	// that breaks its workers breaks three, which leaves the model some of its deaths (supervisor.DefaultRestartPolicy)
	// for others.
	maxFruitless = 2
	// maxContinued is how often an answer goes on with another worker in all.
	maxContinued = 5
)

// soFar is what there is of an answer, as another worker needs it to go on.
type soFar struct {
	ids       []int32 // of the tokens that came
	bytes     int64   // of their text that came, and so goes to the client
	unknown   bool    // a token came without its id: nobody can go on
	continued int64
	fruitless int64        // workers lost in a row without a new token
	lost      *fault.Error // why the last worker was lost, if one was
}

// add takes more of the answer, and returns how many tokens that is.
func (f *soFar) add(m *messages.Tokens) (n int64) {
	f.fruitless = 0
	f.unknown = f.unknown || len(m.GetIds()) != len(m.GetPieces())
	for i, piece := range m.GetPieces() {
		f.bytes += int64(len(piece))
		switch {
		case f.unknown:
			n++
		case m.GetIds()[i] != engine.NoToken:
			n++
			f.ids = append(f.ids, m.GetIds()[i])
		}
	}
	return n
}

// mayGoOn says whether the answer can go on with another worker.
func (s *stream) mayGoOn() bool {
	return !s.g.GetNoContinue() && !s.soFar.unknown && s.soFar.continued < maxContinued && s.soFar.fruitless < maxFruitless
}

// again sends the request out once more after its worker was lost: anew if no token came, else to go on from what came.
// It reports whether it did; then another ear listens, and this one must not touch the stream any more.
func (s *stream) again(c actor.Context, why *fault.Error) bool {
	fresh := s.soFar.bytes == 0 && len(s.soFar.ids) == 0
	switch {
	case fresh && s.soFar.fruitless >= maxFruitless, !fresh && !s.mayGoOn():
		return false
	case fresh:
		s.say(why.Message + "; no token was lost, trying once more")
	default:
		s.soFar.continued++
		s.q.count.Continued()
		s.say(fmt.Sprintf("%s; going on with another worker after %d tokens", why.Message, s.tokens))
	}
	if was := s.soFar.lost; was == nil || was.Code != fault.WorkerStalled || why.Code != fault.WorkerStalled {
		s.soFar.lost = why // a stall is known better here than to the hive
	}
	s.soFar.fruitless++
	s.attempt, s.worker, s.seq, s.placed = s.attempt+1, nil, 0, s.g.GetQuiet()
	s.mu.Lock()
	s.view.again(s.attempt)
	s.mu.Unlock()
	s.release(c)
	c.CancelReceiveTimeout()
	g, was, queen, root := s.retry(), s.pid, s.q.pid, s.q.system.Root
	s.deafen()
	if err := s.listen(); err != nil {
		s.ears[len(s.ears)-1].over = false
		return false
	}
	root.Send(queen, submit{g, s.ear.Load(), was})
	return true
}

func (s *stream) say(text string) {
	s.append(gateway.Event{Narration: &messages.Narration{Source: "queen-rbee", Kind: "warn", Text: text}})
}

// retry is the request as it is sent out again.
func (s *stream) retry() *messages.Generate {
	g := proto.Clone(s.g).(*messages.Generate)
	g.Attempt = s.attempt
	if len(s.soFar.ids) > 0 || s.soFar.bytes > 0 {
		g.Resume = &messages.Resume{Tokens: slices.Clone(s.soFar.ids), SentBytes: s.soFar.bytes}
	}
	if !s.deadline.IsZero() {
		g.BudgetMs = max(1, time.Until(s.deadline).Milliseconds())
	}
	s.mu.Lock()
	g.Credit = max(0, firstCredit-s.unread-s.flushed) // the rest follows as the client reads
	s.mu.Unlock()
	return g
}

// ear is the actor of one attempt. Its name is the capability: a worker answers only to an ear whose name it was given,
// and what comes for one that is over is of a worker that was lost.
type ear struct {
	s    *stream
	pid  *actor.PID
	over bool // owned by the actor
}

// listen begins a new attempt with an ear of its own.
func (s *stream) listen() error {
	var name [16]byte
	_, _ = rand.Read(name[:]) // never fails (crypto/rand)
	e := &ear{s: s, pid: actor.NewPID(s.q.system.Address(), transport.StreamPrefix+hex.EncodeToString(name[:]))}
	before := s.ears
	s.ears, s.pid = append(s.ears, e), e.pid
	was := s.ear.Swap(e.pid)
	if _, err := s.q.system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return e }), e.pid.Id); err != nil {
		s.ears, s.pid = before, was
		s.ear.Store(was)
		return err
	}
	return nil
}

// deafen ends the present attempt. The ear lives on until the stream is settled: the client's side may be about to say
// something to it, which it passes on.
func (s *stream) deafen() { s.ears[len(s.ears)-1].over = true }

// Receive is the actor.
func (e *ear) Receive(c actor.Context) {
	if !e.over {
		e.s.receive(c)
		return
	}
	switch m := c.Message().(type) {
	case credit, cancelThis, deadlineNow, cancelOver, holdOver, stallOver:
		e.s.send(m)
	}
}
