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
	pieces []string
	ids    []int32
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

func newOutbox(id string, credit int64, send func(*messages.Tokens)) *outbox {
	o := &outbox{id: id, send: send, credit: credit, ending: make(chan struct{}), done: make(chan struct{})}
	o.wake = sync.NewCond(&o.mu)
	go o.run()
	return o
}

// put adds a piece. It blocks while too many are held, until credit comes or ctx is done.
func (o *outbox) put(ctx context.Context, piece string, id int32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pieces) >= maxHeld {
		stop := context.AfterFunc(ctx, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.wake.Broadcast()
		})
		defer stop()
		for len(o.pieces) >= maxHeld && ctx.Err() == nil {
			o.wake.Wait()
		}
	}
	o.pieces, o.ids = append(o.pieces, piece), append(o.ids, id)
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
		for !o.closed && (len(o.pieces) == 0 || o.credit <= 0) {
			o.wake.Wait()
		}
		n := int64(len(o.pieces))
		if !o.closed {
			n = min(n, o.credit)
		}
		if n == 0 {
			o.mu.Unlock()
			return
		}
		m := &messages.Tokens{Id: o.id, Seq: o.seq, Pieces: o.pieces[:n:n], Ids: o.ids[:n:n]}
		o.pieces, o.ids = o.pieces[n:], o.ids[n:]
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
