package worker

import (
	"context"
	"sync"
	"time"

	"rbee/messages"
)

// outbox stands between the engine, which must not wait, and a reply stream that may be slow. The first piece is
// sent at once, and so is every piece of a model that takes its time; pieces that come faster than gatherTime gather
// and go out together, because a message costs more than a piece. The stream's credit bounds what is on its
// way, and once that is used up and maxHeld pieces wait here, put blocks: a client that does not read stops the
// decoding of its own request and nothing else.
type outbox struct {
	id   string
	send func(*messages.Tokens)

	mu     sync.Mutex
	wake   *sync.Cond
	held   []piece
	seq    int64
	credit int64
	closed bool
	ending chan struct{} // closed with closed
	done   chan struct{}
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

func newOutbox(id string, credit int64, send func(*messages.Tokens)) *outbox {
	o := &outbox{id: id, send: send, credit: credit, ending: make(chan struct{}), done: make(chan struct{})}
	o.wake = sync.NewCond(&o.mu)
	go o.run()
	return o
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
	o.wake.Broadcast()
	return ctx.Err()
}

// grant adds credit.
func (o *outbox) grant(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit += n
	o.wake.Broadcast()
}

// close sends what is held, credit or not, and returns when it is sent: the end of the answer follows it.
func (o *outbox) close() {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.ending)
	}
	o.wake.Broadcast()
	o.mu.Unlock()
	<-o.done
}

func (o *outbox) run() {
	defer close(o.done)
	for {
		o.mu.Lock()
		for !o.closed && (len(o.held) == 0 || o.credit <= 0) {
			o.wake.Wait()
		}
		n := int64(len(o.held))
		if !o.closed {
			n = min(n, o.credit)
		}
		if n == 0 {
			o.mu.Unlock()
			return
		}
		m := o.message(o.held[:n])
		o.held = append(o.held[:0], o.held[n:]...)
		o.seq, o.credit = o.seq+n, o.credit-n
		o.wake.Broadcast()
		o.mu.Unlock()
		o.send(m)
		select {
		case <-time.After(gatherTime):
		case <-o.ending:
		}
	}
}

// message puts pieces into one message.
func (o *outbox) message(pieces []piece) *messages.Tokens {
	m := &messages.Tokens{Id: o.id, Seq: o.seq, Pieces: make([]string, len(pieces)), Ids: make([]int32, len(pieces))}
	for i, p := range pieces {
		m.Pieces[i], m.Ids[i] = p.text, p.id
		if p.logprob != nil {
			m.Logprobs = append(m.Logprobs, p.logprob)
		}
	}
	return m
}
