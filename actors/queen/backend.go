package queen

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/gateway"
	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/internal/telemetry"
	"rbee/internal/version"
	"rbee/messages"
)

// Backend is the queen as the gateway sees it.
type Backend struct {
	system    *actor.ActorSystem
	pid       *actor.PID
	registry  *registry.Registry
	board     *Board
	stall     time.Duration
	ingest    func(otlp []byte)
	spans     func(traceparent string) []byte
	nodes     func(spec string) ([]Node, error)
	count     *telemetry.Metrics
	ephemeral bool
	began     time.Time

	mu      sync.Mutex
	streams map[string]*stream // by request id
	idle    func()             // called when the last stream is over
}

// NewBackend connects the gateway to a queen. spans returns what was recorded of a trace; whenIdle is called each
// time the last running request is over, and may be nil.
func NewBackend(o Options, pid *actor.PID, spans func(traceparent string) []byte, whenIdle func()) *Backend {
	b := &Backend{system: o.Endpoint.System, pid: pid, registry: o.Registry, board: o.Board, stall: o.Stall, ingest: o.Ingest, spans: spans, nodes: o.Nodes, count: o.Count,
		ephemeral: o.Ephemeral, began: time.Now(), streams: map[string]*stream{}, idle: whenIdle}
	if b.stall == 0 {
		b.stall = defaultStall
	}
	return b
}

// Submit implements gateway.Backend.
func (b *Backend) Submit(ctx context.Context, g *messages.Generate) (gateway.Stream, error) {
	caller := gateway.CallerOf(ctx)
	g.Tenant, g.Weight, g.Prefix = caller.Tenant, caller.Weight, place.Prefix(g)
	s, err := newStream(b, g)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	if b.streams[g.GetId()] == nil { // a second one of that id is refused by the queen
		b.streams[g.GetId()] = s
	}
	b.mu.Unlock()
	b.system.Root.Send(b.pid, submit{g: g, to: s.ear.Load()})
	return s, nil
}

// Cancel implements gateway.Backend.
func (b *Backend) Cancel(id string) bool {
	b.mu.Lock()
	s := b.streams[id]
	b.mu.Unlock()
	if s == nil {
		return false
	}
	s.Cancel("by request")
	return true
}

func (b *Backend) forget(s *stream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams[s.g.GetId()] == s {
		delete(b.streams, s.g.GetId())
	}
	if len(b.streams) == 0 && b.idle != nil {
		go b.idle()
	}
}

// Workers implements gateway.Backend.
func (b *Backend) Workers() []*messages.WorkerState { return b.registry.List("") }

// Resolve implements gateway.Backend.
func (b *Backend) Resolve(spec string) (names []string, err error) {
	nodes, err := b.nodes(spec)
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names, err
}

// Nodes implements gateway.Backend.
func (b *Backend) Nodes() []gateway.NodeState { return b.board.Nodes() }

// Spans implements gateway.Backend.
func (b *Backend) Spans(_ context.Context, traceparent string) []byte { return b.spans(traceparent) }

// Info implements gateway.Backend.
func (b *Backend) Info() gateway.Info {
	return gateway.Info{Version: version.Build(), PID: os.Getpid(), Ephemeral: b.ephemeral, Started: b.began}
}
