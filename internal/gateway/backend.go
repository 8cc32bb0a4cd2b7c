package gateway

import (
	"context"
	"time"

	"rbee/internal/fault"
	"rbee/messages"
)

// Backend does the work. It is called from many goroutines.
type Backend interface {
	// Submit starts a request. Its fault becomes an HTTP error; ctx ends with the client's connection.
	Submit(ctx context.Context, g *messages.Generate) (Stream, error)
	// Workers returns the rows of the registry, sorted by node and id.
	Workers() []*messages.WorkerState
	// Resolve says which nodes a list of nodes, or "any", means. No node is reached for it.
	Resolve(spec string) ([]string, error)
	// Nodes returns how the nodes are that this queen uses or lost, sorted by name.
	Nodes() []NodeState
	// Running returns the requests that are not over, oldest first.
	Running() []RequestState
	// Stop ends a node, a worker, or all workers of a model, and returns when they are gone; answers under way are
	// cancelled, and each worker has grace to end by itself. NOT_FOUND if nothing that runs has that name.
	Stop(ctx context.Context, target string, grace time.Duration) (Stopped, error)
	// Cancel ends the running request with that id; false if there is none.
	Cancel(id string) bool
	// Spans returns what was recorded of a trace so far, as an OTLP ExportTraceServiceRequest; nil if nothing was.
	Spans(ctx context.Context, traceparent string) []byte
	Info() Info
}

// Info says which queen this is.
type Info struct {
	Version   string
	PID       int
	Ephemeral bool
	Started   time.Time
}

// NodeState says how one node is.
type NodeState struct {
	Name    string
	State   string // reaching, starting, connected, stopping, lost
	Address string // of the hive's life; "" = there is none
	Reason  string // why it was lost
}

// RequestState says how one request is.
type RequestState struct {
	ID, Model, Node string // as they were asked for; Node is where it is, once that is decided
	Tenant          string
	Worker          string        // address, once one took it
	State           string        // waiting, queued, prefill, decoding
	Position        int64         // in its queue, 1 = next; 0 = not queued
	ETA             time.Duration // until a worker takes it; 0 = not known
	PromptTokens    int64
	Tokens          int64
	TokensPerSecond float64 // since its first token
	Attempt         int64
	Arrived         time.Time
}

// Stopped lists what Stop ended.
type Stopped struct {
	Nodes   []string
	Workers []string // addresses
}

// Stream is the answer to one request.
//
// Next is called from one goroutine, Flushed and Cancel from another. After Cancel a stream may be abandoned
// without reading it to its end; one that was read up to its terminal event needs no Cancel.
type Stream interface {
	// Next blocks for the next event; io.EOF after the terminal one (Done or Failed). Any other error ends the
	// stream too.
	Next(ctx context.Context) (Event, error)
	// Flushed says that so many more pieces of the answer have left for the client.
	Flushed(pieces int)
	Cancel(reason string)
}

// Event is one step of an answer; exactly one field is set.
type Event struct {
	Narration *messages.Narration
	Queued    *messages.Queued
	Accepted  *messages.Accepted
	Prefill   *messages.Prefill
	Tokens    *messages.Tokens
	Done      *messages.Done
	Failed    *fault.Error
}
