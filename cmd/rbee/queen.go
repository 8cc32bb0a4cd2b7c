package main

import (
	"context"
	"net/http"
	"time"

	"rbee/internal/api"
)

// queen is the orchestrator of this command: an ephemeral one that it started, or a daemon that it found.
type queen interface {
	// Client reaches the queen's API at http://queen.
	Client() *http.Client
	// Stop ends what this command started and returns when all of it is proven gone, or cannot be. Each worker has
	// grace to end by itself; the levels above it bound the rest. The context holds the span to stop below, and its
	// end does not cut the stop short: Kill does. For a daemon there is nothing to stop.
	Stop(ctx context.Context, grace time.Duration, cause string) api.Receipt
	// Kill ends it at once, also while Stop is running.
	Kill() api.Receipt
	// Gone is closed when the queen died without being asked; Err then says why.
	Gone() <-chan struct{}
	Err() error
}

// startQueen starts an ephemeral queen; the context holds the span to start below. If it fails after a process was started, it returns the queen along with
// the error, so that it can be stopped and its receipt taken; otherwise the queen is nil.
type startQueen func(context.Context, queenOptions) (queen, error)

// queenOptions say what an ephemeral queen is started for.
type queenOptions struct {
	RunID  string // of this run, never inherited
	LogDir string // for the stderr of everything below; "" = nowhere

	// What the request will need, so that its start overlaps the queen's. With Plan nothing is.
	Plan         bool
	Push         bool
	Node         string
	Model        string
	Cwd          string
	ModelsDir    string
	EnvModelsDir string
	Context      int64
	Threads      int64
	Backend      string
	Device       string
	GPULayers    *int64
	Worker       string

	Reuse bool // there will be more requests: workers are kept for them
	Lease time.Duration
	Stall time.Duration
	// LoadTimeout is how long a load may go without progress.
	LoadTimeout time.Duration
	// Narrate shows what happens outside of an answer: start and stop. It may be called from any goroutine.
	Narrate func(api.Narration)
	// Ask asks the person at the terminal for a secret; nil if there is no terminal.
	Ask func(ctx context.Context, text string) ([]byte, error)
	// Warn is told, once, that the log cannot be written. It may be called from any goroutine.
	Warn func(error)
	// Spans takes what the processes below recorded (OTLP), as it arrives. Nil: nobody wants a trace.
	Spans func(otlp []byte)
}
