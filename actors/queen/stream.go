package queen

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/transport"
	"rbee/messages"
)

const (
	// firstCredit is how many pieces a worker may send before the client has read one; creditStep is how many the
	// client must have read before more credit is worth a message.
	firstCredit = 1024
	creditStep  = 256
	// cancelTime is how long a cancelled request may take to be acknowledged; then it is settled without that.
	cancelTime = 5 * time.Second
	// holdTime is what the hive's last word may come after the worker's first: they travel on lines of their own. It
	// comes unless the hive is lost, which the stream is told, so this only bounds what a busy machine may add.
	holdTime = time.Second
	// placedKind is the narration with which a hive ends what it says before the answer; nobody is shown it.
	placedKind = "placed"
	// defaultStall is how long a request may go without a sign of life once a worker has it.
	defaultStall = 60 * time.Second
)

// stream is one request's end in the queen: an actor on the tree's side, a gateway.Stream on the client's.
type stream struct {
	q        *Backend
	g        *messages.Generate
	pid      *actor.PID
	deadline time.Time

	// Owned by the actor.
	worker   *actor.PID // since Accepted
	seq      int64      // next piece
	tokens   int64
	accepted time.Time
	cancel   *fault.Error // why it is being cancelled
	over     bool
	placed   bool // the hive has said all that it says before the answer
	holding  bool // until then, so that the answer does not overtake it
	held     []gateway.Event
	end      *gateway.Event // of an answer that came whole while it was held

	mu      sync.Mutex
	wake    chan struct{} // has room for one
	events  []gateway.Event
	closed  bool
	flushed int64 // pieces read by the client and not yet given as credit
	unread  int64 // pieces in events
	view    view
}

// What the client's side and the timers say to the actor.
type (
	credit      struct{ pieces int64 }
	cancelThis  struct{ why *fault.Error }
	cancelOver  struct{}
	holdOver    struct{}
	deadlineNow struct{}
)

func newStream(b *Backend, g *messages.Generate) (*stream, error) {
	var name [16]byte
	_, _ = rand.Read(name[:]) // never fails (crypto/rand)
	s := &stream{q: b, g: g, placed: g.GetQuiet(), wake: make(chan struct{}, 1)}
	s.view.begin(g)
	g.Credit = firstCredit
	if g.GetBudgetMs() > 0 {
		s.deadline = time.Now().Add(time.Duration(g.GetBudgetMs()) * time.Millisecond)
	}
	// The name is the capability: workers answer only to streams whose name they were given.
	s.pid = actor.NewPID(b.system.Address(), transport.StreamPrefix+hex.EncodeToString(name[:]))
	_, err := b.system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return s }), s.pid.Id)
	return s, err
}

// Receive is the actor.
func (s *stream) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		if !s.deadline.IsZero() {
			s.later(time.Until(s.deadline), deadlineNow{})
		}
	case *messages.Narration:
		if m.GetKind() == placedKind {
			s.placed = true
			s.release(c)
			return
		}
		s.append(gateway.Event{Narration: m})
	case holdOver:
		s.release(c)
	case *messages.Queued:
		if s.worker == nil && m.GetId() == s.g.GetId() {
			s.append(gateway.Event{Queued: m})
		}
	case *messages.Accepted:
		s.onAccepted(c, m)
	case *messages.Prefill:
		s.emit(gateway.Event{Prefill: m})
	case *messages.Tokens:
		s.onTokens(m)
	case *messages.Done:
		s.onDone(c, m)
	case *messages.Failed:
		s.onFailed(c, m)
	case *actor.ReceiveTimeout:
		s.onSilence(c)
	case credit:
		if s.worker != nil && !s.over {
			c.Send(s.worker, &messages.Credit{Id: s.g.GetId(), Pieces: m.pieces})
		}
	case cancelThis:
		s.onCancel(c, m.why)
	case deadlineNow:
		s.onCancel(c, s.late())
	case cancelOver:
		if s.cancel != nil {
			s.settle(c, gateway.Event{Failed: s.cancel})
		}
	}
}

func (s *stream) later(d time.Duration, m any) {
	root, pid := s.q.system.Root, s.pid
	time.AfterFunc(d, func() { root.Send(pid, m) })
}

func (s *stream) onAccepted(c actor.Context, m *messages.Accepted) {
	if s.over || m.GetId() != s.g.GetId() {
		return
	}
	s.worker, s.accepted = actor.NewPID(m.GetWorker(), transport.RootID), time.Now()
	c.SetReceiveTimeout(s.q.stall)
	if !s.placed {
		s.holding = true
		s.later(holdTime, holdOver{})
	}
	s.emit(gateway.Event{Accepted: m})
	if s.cancel != nil { // it came too late for the way down
		c.Send(s.worker, &messages.Cancel{Id: s.g.GetId(), Reason: s.cancel.Message})
	}
}

func (s *stream) onTokens(m *messages.Tokens) {
	if s.over || m.GetId() != s.g.GetId() || m.GetSeq() != s.seq {
		return // of a life that is over
	}
	s.seq += int64(len(m.GetPieces()))
	s.tokens += int64(len(m.GetPieces()))
	s.emit(gateway.Event{Tokens: m})
}

func (s *stream) onDone(c actor.Context, m *messages.Done) {
	if m.GetId() != s.g.GetId() {
		return
	}
	s.q.ingest(m.GetSpans())
	if s.cancel != nil {
		if s.cancel.Code == fault.Cancelled {
			s.cancel.Message += " after " + strconv.FormatInt(s.tokens, 10) + " tokens"
		}
		s.settle(c, gateway.Event{Failed: s.cancel.With("tokens", s.tokens)})
		return
	}
	if m.GetFinishReason() == "cancelled" { // nobody here asked for it: the worker was told to stop
		s.settle(c, gateway.Event{Failed: fault.New(fault.Cancelled, "the worker was stopped after %d tokens", s.tokens)})
		return
	}
	s.settle(c, gateway.Event{Done: m})
}

func (s *stream) onFailed(c actor.Context, m *messages.Failed) {
	if s.over || s.end != nil || m.GetId() != s.g.GetId() {
		return
	}
	f := m.GetError().Fault()
	if s.cancel != nil {
		f = s.cancel
	}
	if m.GetRetryable() && s.cancel == nil && s.tokens == 0 && s.g.GetAttempt() < 2 {
		s.g.Attempt, s.worker, s.placed = 2, nil, s.g.GetQuiet()
		s.release(c)
		c.CancelReceiveTimeout()
		s.emit(gateway.Event{Narration: &messages.Narration{Source: "queen-rbee", Kind: "warn", Text: f.Message + "; no token was lost, trying once more"}})
		c.Send(s.q.pid, submit{s.g, s.pid})
		return
	}
	if s.tokens > 0 {
		f.Message += " after " + strconv.FormatInt(s.tokens, 10) + " tokens" + ofMax(s.g.GetMaxTokens())
		f = f.With("tokens", s.tokens)
	}
	s.settle(c, gateway.Event{Failed: f})
}

func ofMax(n int64) string {
	if n <= 0 {
		return ""
	}
	return " of at most " + strconv.FormatInt(n, 10)
}

// onSilence: nothing came for the stall limit, from a worker that has the request. A client that does not read is
// no fault of the worker's.
func (s *stream) onSilence(c actor.Context) {
	s.mu.Lock()
	slow := s.unread > 0
	s.mu.Unlock()
	if s.over || s.worker == nil || slow {
		return
	}
	c.Send(s.q.pid, stalled{s.g.GetId()})
	s.settle(c, gateway.Event{Failed: fault.New(fault.WorkerStalled, "no token for %v on %s, after %d tokens", s.q.stall, s.g.GetNode(), s.tokens).
		WithHint("the worker is being replaced; run the command again").With("tokens", s.tokens).With("worker", s.worker.GetAddress())})
}

func (s *stream) onCancel(c actor.Context, why *fault.Error) {
	if s.over || s.end != nil || s.cancel != nil {
		return
	}
	s.cancel = why
	if s.worker != nil {
		c.Send(s.worker, &messages.Cancel{Id: s.g.GetId(), Reason: why.Message})
	}
	c.Send(s.q.pid, cancelID{s.g.GetId(), why.Message}) // also the way the request went: it may not have arrived yet
	s.later(cancelTime, cancelOver{})
}

func (s *stream) late() *fault.Error {
	where := "before a worker took it"
	if s.worker != nil {
		where = "after " + strconv.FormatInt(s.tokens, 10) + " tokens; " + s.accepted.Sub(s.deadline.Add(-s.budget())).Round(time.Millisecond).String() +
			" of it went by before a worker took it"
	}
	return fault.New(fault.DeadlineExceeded, "the deadline of %v was over %s", s.budget(), where).
		WithHint("allow more with --deadline, or ask for less with --max-tokens").With("deadline_ms", s.g.GetBudgetMs()).With("tokens", s.tokens)
}

func (s *stream) budget() time.Duration { return time.Duration(s.g.GetBudgetMs()) * time.Millisecond }

// settle ends the request, once; while the answer is held, with it.
func (s *stream) settle(c actor.Context, e gateway.Event) {
	if s.over {
		return
	}
	if s.holding {
		if s.end == nil {
			s.end = &e
		}
		return
	}
	s.over = true
	c.CancelReceiveTimeout()
	c.Send(s.q.pid, settled{s.g.GetId(), s.pid})
	s.q.forget(s)
	s.append(e)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	c.Stop(c.Self())
}

// ---- the client's side ----

// emit passes on what comes from the worker, behind what the hive says before.
func (s *stream) emit(e gateway.Event) {
	if s.holding {
		s.held = append(s.held, e)
		return
	}
	s.append(e)
}

func (s *stream) release(c actor.Context) {
	for _, e := range s.held {
		s.append(e)
	}
	s.holding, s.held = false, nil
	if s.end != nil {
		s.settle(c, *s.end)
	}
}

func (s *stream) append(e gateway.Event) {
	s.mu.Lock()
	if !s.closed {
		s.view.see(e)
		s.events = append(s.events, e)
		s.unread += int64(len(e.Tokens.GetPieces()))
	}
	s.mu.Unlock()
	s.signal()
}

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next implements gateway.Stream.
func (s *stream) Next(ctx context.Context) (gateway.Event, error) {
	for {
		s.mu.Lock()
		if len(s.events) > 0 {
			e := s.events[0]
			s.events[0] = gateway.Event{}
			s.events = s.events[1:]
			s.mu.Unlock()
			return e, nil
		}
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return gateway.Event{}, io.EOF
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return gateway.Event{}, ctx.Err()
		}
	}
}

// Flushed implements gateway.Stream.
func (s *stream) Flushed(pieces int) {
	s.mu.Lock()
	s.flushed += int64(pieces)
	s.unread -= int64(pieces)
	n := s.flushed
	if n >= creditStep {
		s.flushed = 0
	}
	s.mu.Unlock()
	if n >= creditStep {
		s.q.system.Root.Send(s.pid, credit{n})
	}
}

// Cancel implements gateway.Stream.
func (s *stream) Cancel(reason string) {
	s.q.system.Root.Send(s.pid, cancelThis{fault.New(fault.Cancelled, "cancelled: %s", reason)})
}
