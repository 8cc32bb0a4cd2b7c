package queen

import (
	"context"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
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

// stream is one request's end in the queen: an actor on the tree's side, a gateway.Stream on the client's. Each attempt
// has an actor of its own (an ear), so that what a lost worker still says reaches nobody.
type stream struct {
	q        *Backend
	g        *messages.Generate
	ear      atomic.Pointer[actor.PID]
	deadline time.Time
	timer    *time.Timer // of the deadline

	// Owned by the ear.
	pid      *actor.PID // its own
	ears     []*ear     // of all attempts, the last one is it
	attempt  int64
	worker   *actor.PID // since Accepted
	owed     int64      // credit for pieces that were read while there was no worker
	seq      int64      // next piece of this attempt
	tokens   int64      // of all attempts
	soFar    soFar
	accepted time.Time
	cancel   *fault.Error // why it is being cancelled
	over     bool
	placed   bool // the hive has said all that it says before the answer
	holding  bool // until then, so that the answer does not overtake it
	held     []gateway.Event
	end      *gateway.Event // of an answer that came whole while it was held
	corked   bool           // more follows at once

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
	stallOver   struct{ lost *fault.Error }
	deadlineNow struct{}
)

func newStream(b *Backend, g *messages.Generate) (*stream, error) {
	s := &stream{q: b, g: g, placed: g.GetQuiet(), attempt: 1, wake: make(chan struct{}, 1)}
	s.view.begin(g)
	g.Credit = firstCredit
	if g.GetBudgetMs() > 0 {
		s.deadline = time.Now().Add(time.Duration(g.GetBudgetMs()) * time.Millisecond)
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if !s.deadline.IsZero() {
		s.timer = s.later(time.Until(s.deadline), deadlineNow{})
	}
	return s, nil
}

// receive is the ear.
func (s *stream) receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Narration:
		if m.GetKind() == placedKind {
			s.placed = true
			s.release(c)
			return
		}
		s.append(gateway.Event{Narration: m})
	case *messages.Queued:
		if s.worker == nil && m.GetId() == s.g.GetId() {
			s.append(gateway.Event{Queued: m})
		}
	case *messages.Accepted:
		s.onAccepted(c, m)
	case *messages.Prefill:
		s.emit(gateway.Event{Prefill: m})
	case *messages.Tokens:
		if a := m.GetAccepted(); a != nil {
			s.onAccepted(c, a)
		}
		s.onTokens(m)
	case *messages.Done:
		s.onDone(c, m)
	case *messages.Failed:
		s.onFailed(c, m)
	case *actor.ReceiveTimeout:
		s.onSilence(c)
	case holdOver:
		s.release(c)
	case credit:
		s.onCredit(c, m.pieces)
	case cancelThis:
		s.onCancel(c, m.why)
	case deadlineNow:
		s.onCancel(c, s.late())
	case cancelOver:
		if s.cancel != nil {
			s.settle(c, gateway.Event{Failed: s.cancel})
		}
	case stallOver:
		if s.soFar.lost == m.lost { // the hive is mum, and nobody else takes the answer on
			s.settle(c, gateway.Event{Failed: s.failure(m.lost)})
		}
	}
}

func (s *stream) onCredit(c actor.Context, pieces int64) {
	switch {
	case s.over:
	case s.worker == nil:
		s.owed += pieces
	default:
		c.Send(s.worker, &messages.Credit{Id: s.g.GetId(), Pieces: pieces})
	}
}

func (s *stream) later(d time.Duration, m any) *time.Timer {
	return time.AfterFunc(d, func() { s.send(m) })
}

// send reaches the ear that listens now.
func (s *stream) send(m any) { s.q.system.Root.Send(s.ear.Load(), m) }

func (s *stream) onAccepted(c actor.Context, m *messages.Accepted) {
	if s.over || m.GetId() != s.g.GetId() {
		return
	}
	s.worker, s.accepted = actor.NewPID(m.GetWorker(), transport.RootID), time.Now()
	s.soFar.lost = nil
	if !s.corked { // else the end is here as well
		c.SetReceiveTimeout(s.q.stall)
	}
	if !s.placed {
		s.holding = true
		s.later(holdTime, holdOver{})
	}
	s.emit(gateway.Event{Accepted: m})
	if p := m.GetPrefill(); p != nil {
		s.emit(gateway.Event{Prefill: p})
	}
	if s.owed > 0 {
		s.onCredit(c, s.owed)
		s.owed = 0
	}
	if s.cancel != nil && !s.corked { // it came too late for the way down
		c.Send(s.worker, &messages.Cancel{Id: s.g.GetId(), Reason: s.cancel.Message})
	}
}

func (s *stream) onTokens(m *messages.Tokens) {
	if s.over || m.GetId() != s.g.GetId() || m.GetSeq() != s.seq {
		return // of a life that is over
	}
	s.seq += int64(len(m.GetPieces()))
	s.tokens += s.soFar.add(m)
	s.emit(gateway.Event{Tokens: m})
}

func (s *stream) onDone(c actor.Context, m *messages.Done) {
	if m.GetId() != s.g.GetId() {
		return
	}
	s.q.ingest(m.GetSpans())
	s.corked = true // the client's side is woken once, by the end
	if a := m.GetAccepted(); a != nil {
		s.onAccepted(c, a)
	}
	if t := m.GetTokens(); t != nil {
		s.onTokens(t)
	}
	s.corked = false
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
	m.Continued = s.soFar.continued
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
	if m.GetRetryable() && s.cancel == nil && s.again(c, f) {
		return
	}
	if m.GetRetryable() {
		s.soFar.lost = nil // this is the news
	}
	s.settle(c, gateway.Event{Failed: s.failure(f)})
}

// failure is f as the client gets it, with what there is of the answer. One that could not go on elsewhere is lost to
// what broke it off.
func (s *stream) failure(f *fault.Error) *fault.Error {
	if lost := s.soFar.lost; lost != nil && lost != f && f != s.cancel {
		f = fault.New(lost.Code, "%s; it could not go on elsewhere: %s", lost.Message, f.Message).WithHint("%s", f.Hint).
			With("node", lost.Details["node"]).With("then", f.Code)
	}
	if s.tokens == 0 {
		return f
	}
	f.Message += " after " + strconv.FormatInt(s.tokens, 10) + " tokens" + ofMax(s.g.GetMaxTokens())
	if n := s.soFar.continued; n > 0 {
		f = f.With("continued", n)
	}
	return f.With("tokens", s.tokens)
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
	f := fault.New(fault.WorkerStalled, "no token for %v on %s, after %d tokens", s.q.stall, s.g.GetNode(), s.tokens).
		WithHint("the worker is being replaced; run the command again").With("tokens", s.tokens).With("worker", s.worker.GetAddress())
	if s.cancel == nil && s.mayGoOn() {
		s.soFar.lost = f // the hive says so too, and then it goes on elsewhere
		s.worker = nil
		c.CancelReceiveTimeout()
		s.later(cancelTime, stallOver{f})
		return
	}
	s.settle(c, gateway.Event{Failed: f})
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
	if s.timer != nil {
		s.timer.Stop()
	}
	c.Send(s.q.pid, settled{s.g.GetId(), s.pid})
	s.q.forget(s)
	s.append(e)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	for _, e := range s.ears {
		c.Stop(e.pid)
	}
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
	if !s.corked {
		s.signal()
	}
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
		s.send(credit{n})
	}
}

// Cancel implements gateway.Stream.
func (s *stream) Cancel(reason string) {
	s.send(cancelThis{fault.New(fault.Cancelled, "cancelled: %s", reason)})
}
