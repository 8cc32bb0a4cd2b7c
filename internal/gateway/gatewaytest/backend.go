// Package gatewaytest is a backend whose answers a test writes, for tests of the gateway and of its clients.
package gatewaytest

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/version"
	"rbee/messages"
)

// Backend answers every request with Play and remembers what it was asked.
type Backend struct {
	// Play makes one answer: it calls the stream's methods and returns; the stream ends when it does.
	Play func(s *Stream)
	// Refuse, if set, is what Submit returns for a request.
	Refuse func(g *messages.Generate) error
	// Rows, Trace and Build are what Workers, Spans and Info give.
	Rows       []*messages.WorkerState
	NodeStates []gateway.NodeState
	Trace      func(traceparent string) []byte
	Build      string // "" = this build

	mu       sync.Mutex
	requests []*messages.Generate
	running  map[string]*Stream
}

// Stream is one answer being made.
type Stream struct {
	Request   *messages.Generate
	Cancelled chan struct{} // closed by Cancel

	events chan gateway.Event
	once   sync.Once
	mu     sync.Mutex
	reason string
	pieces int
}

// Submit implements gateway.Backend.
func (b *Backend) Submit(ctx context.Context, g *messages.Generate) (gateway.Stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, g)
	if b.Refuse != nil {
		if err := b.Refuse(g); err != nil {
			return nil, err
		}
	}
	s := &Stream{Request: g, Cancelled: make(chan struct{}), events: make(chan gateway.Event, 1<<16)}
	if b.running == nil {
		b.running = map[string]*Stream{}
	}
	b.running[g.GetId()] = s
	go func() {
		defer close(s.events)
		b.Play(s)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.running, g.GetId())
	}()
	return s, nil
}

// Cancel implements gateway.Backend.
func (b *Backend) Cancel(id string) bool {
	b.mu.Lock()
	s := b.running[id]
	b.mu.Unlock()
	if s == nil {
		return false
	}
	s.Cancel("asked to")
	return true
}

// Workers implements gateway.Backend.
func (b *Backend) Workers() []*messages.WorkerState { return b.Rows }

// Resolve implements gateway.Backend: a list is its own words, any is localhost and h1.
func (b *Backend) Resolve(spec string) ([]string, error) {
	if spec == "any" {
		return []string{"localhost", "h1"}, nil
	}
	return strings.Split(spec, ","), nil
}

// Nodes implements gateway.Backend.
func (b *Backend) Nodes() []gateway.NodeState { return b.NodeStates }

// Spans implements gateway.Backend.
func (b *Backend) Spans(_ context.Context, traceparent string) []byte {
	if b.Trace == nil {
		return nil
	}
	return b.Trace(traceparent)
}

// Info implements gateway.Backend.
func (b *Backend) Info() gateway.Info {
	build := b.Build
	if build == "" {
		build = version.Build()
	}
	return gateway.Info{Version: build, PID: os.Getpid(), Started: time.Unix(1700000000, 0).UTC()}
}

// Requests returns what was submitted so far.
func (b *Backend) Requests() []*messages.Generate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// Next implements gateway.Stream.
func (s *Stream) Next(ctx context.Context) (gateway.Event, error) {
	select {
	case e, ok := <-s.events:
		if !ok {
			return e, io.EOF
		}
		return e, nil
	case <-ctx.Done():
		return gateway.Event{}, ctx.Err()
	}
}

// Flushed implements gateway.Stream.
func (s *Stream) Flushed(pieces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces += pieces
}

// Cancel implements gateway.Stream.
func (s *Stream) Cancel(reason string) {
	s.once.Do(func() {
		s.mu.Lock()
		s.reason = reason
		s.mu.Unlock()
		close(s.Cancelled)
	})
}

// Credit is how many pieces were reported as flushed.
func (s *Stream) Credit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pieces
}

// Reason is what the stream was cancelled with.
func (s *Stream) Reason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Say makes a line of narration.
func (s *Stream) Say(source, kind, text string) {
	s.Event(gateway.Event{Narration: &messages.Narration{Source: source, Kind: kind, Text: text}})
}

// Tokens makes one message of tokens.
func (s *Stream) Tokens(pieces ...string) {
	s.Event(gateway.Event{Tokens: &messages.Tokens{Id: s.Request.GetId(), Pieces: pieces}})
}

// Done ends the answer well, or as cancelled.
func (s *Stream) Done(reason string, tokens int64) {
	s.Event(gateway.Event{Done: &messages.Done{
		FinishReason: reason,
		Usage:        &messages.Usage{PromptTokens: 3, CompletionTokens: tokens},
		Timings:      &messages.Timings{TtftMs: 31, TokensPerSecond: 118},
	}})
}

// Told ends a request about a node's disk with these rows.
func (s *Stream) Told(rows ...[]byte) {
	s.Event(gateway.Event{Done: &messages.Done{FinishReason: "told", Disk: &messages.DiskReport{Node: s.Request.GetNode(), Rows: rows}}})
}

// Fail ends the answer badly.
func (s *Stream) Fail(e *fault.Error) { s.Event(gateway.Event{Failed: e}) }

// Event makes any event.
func (s *Stream) Event(e gateway.Event) { s.events <- e }

// Running implements gateway.Backend.
func (b *Backend) Running() []gateway.RequestState {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := []gateway.RequestState{}
	for id, s := range b.running {
		all = append(all, gateway.RequestState{ID: id, Model: s.Request.GetModel().GetRef(), Node: s.Request.GetNode(), State: "decoding",
			Arrived: time.Unix(1700000000, 0).UTC()})
	}
	slices.SortFunc(all, func(a, b gateway.RequestState) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Stop implements gateway.Backend: a target is known if a row's model is called so.
func (b *Backend) Stop(_ context.Context, target string, _ time.Duration) (gateway.Stopped, error) {
	var s gateway.Stopped
	for _, r := range b.Rows {
		if r.GetModelRef() == target {
			s.Workers = append(s.Workers, r.GetAddress())
		}
	}
	if len(s.Workers) == 0 {
		return s, fault.New(fault.NotFound, "nothing that runs is called %q", target)
	}
	return s, nil
}
