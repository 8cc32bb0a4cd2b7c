package worker

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/messages"
)

// outbox stands between the engine, which must not wait, and a reply stream that may be slow. The first piece is
// sent at once, and so is every piece of a model that takes its time; pieces that come faster than gatherTime gather
// and go out together, because a message costs more than a piece. The stream's credit bounds what is on its
// way, and once that is used up and maxHeld pieces wait here, put blocks: a client that does not read stops the
// decoding of its own request and nothing else.
//
// For the same reason Accepted waits for what follows it, for gatherTime at most, and the last pieces leave with the
// end of the answer: one that is short and quick is one message.
type outbox struct {
	id   string
	last int64 // tokens of an answer that is as long as it may be; 0 = any number
	send func(proto.Message)

	mu       sync.Mutex
	wake     *sync.Cond
	accepted *messages.Accepted // not sent yet
	soon     *time.Timer        // then it is, alone
	held     []piece
	seq      int64
	tokens   int64 // of all pieces so far
	credit   int64
	closed   bool
	running  bool
	ending   chan struct{} // closed with closed
	done     chan struct{} // closed when nothing runs any more
}

const (
	maxHeld = 256
	// gatherTime is the least time between two messages: far below what an eye sees, far above what a message costs
	// on its way through four processes.
	gatherTime = 4 * time.Millisecond
)

// piece is a part of the answer; logprob is set for all pieces of an answer or for none.
type piece struct {
	text    string
	id      int32
	logprob *messages.TokenLogprob
}

func newOutbox(a *messages.Accepted, last, credit int64, send func(proto.Message)) *outbox {
	o := &outbox{id: a.GetId(), last: last, accepted: a, send: send, credit: credit, ending: make(chan struct{}), done: make(chan struct{})}
	o.wake = sync.NewCond(&o.mu)
	o.soon = time.AfterFunc(gatherTime, o.accept)
	return o
}

// prefill says how far the prompt is. What comes before Accepted has left goes with it.
func (o *outbox) prefill(done, total int) {
	p := &messages.Prefill{Id: o.id, Done: int64(done), Total: int64(total)}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.accepted != nil {
		o.accepted.Prefill = p
		return
	}
	o.send(p)
}

// accept sends Accepted if that was not done.
func (o *outbox) accept() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a := o.takeAccepted(); a != nil {
		o.send(a) // under the lock: nothing may overtake it
	}
}

func (o *outbox) takeAccepted() *messages.Accepted {
	a := o.accepted
	if o.accepted = nil; a != nil {
		o.soon.Stop()
	}
	return a
}

// put adds a piece. It blocks while too many are held, until credit comes or ctx is done.
func (o *outbox) put(ctx context.Context, p piece) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.held) >= maxHeld {
		stop := context.AfterFunc(ctx, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.wake.Broadcast()
		})
		defer stop()
		for len(o.held) >= maxHeld && ctx.Err() == nil {
			o.wake.Wait()
		}
	}
	o.held = append(o.held, p)
	if p.id != engine.NoToken {
		o.tokens++
	}
	switch {
	case o.running:
		o.wake.Broadcast()
	case o.last == 0 || o.tokens != o.last: // else the end is next, and takes it along
		o.running = true
		go o.run()
	}
	return ctx.Err()
}

// grant adds credit.
func (o *outbox) grant(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit += n
	o.wake.Broadcast()
}

// close ends it. What it returns was not sent, and belongs into the message that ends the answer, or before it, credit
// or not: Accepted and the last pieces, either of which may be nil.
func (o *outbox) close() (*messages.Accepted, *messages.Tokens) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.ending)
		o.wake.Broadcast()
	}
	if o.running {
		o.mu.Unlock()
		<-o.done
		o.mu.Lock()
	}
	a := o.takeAccepted()
	if len(o.held) == 0 {
		return a, nil
	}
	return a, o.take(int64(len(o.held)))
}

func (o *outbox) run() {
	defer close(o.done)
	for {
		o.mu.Lock()
		for !o.closed && (len(o.held) == 0 || o.credit <= 0) {
			o.wake.Wait()
		}
		if o.closed {
			o.mu.Unlock()
			return
		}
		m := o.take(min(int64(len(o.held)), o.credit))
		m.Accepted = o.takeAccepted()
		o.wake.Broadcast()
		o.mu.Unlock()
		o.send(m)
		select {
		case <-time.After(gatherTime):
		case <-o.ending:
		}
	}
}

// take puts the first n pieces into one message.
func (o *outbox) take(n int64) *messages.Tokens {
	m := &messages.Tokens{Id: o.id, Seq: o.seq, Pieces: make([]string, n), Ids: make([]int32, n)}
	for i, p := range o.held[:n] {
		m.Pieces[i], m.Ids[i] = p.text, p.id
		if p.logprob != nil {
			m.Logprobs = append(m.Logprobs, p.logprob)
		}
	}
	o.held = append(o.held[:0], o.held[n:]...)
	o.seq, o.credit = o.seq+n, o.credit-n
	return m
}
