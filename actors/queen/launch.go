package queen

import (
	"context"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Config is what a queen needs to know and to reach.
type Config struct {
	Address   string
	Run       string
	Root      string
	Ephemeral bool
	Lease     time.Duration
	Stall     time.Duration // a request without a token for so long is cancelled and its worker replaced; 0 = 60 s
	Slots     int64         // of a worker
	IdleTTL   time.Duration // of a worker; negative = for ever
	// Node resolves a node's name as the user gave it to its canonical name and the way to start things there.
	Node    func(name string) (string, supervisor.Spawner, error)
	Tracer  trace.Tracer
	Tracing bool
	Log     func(node, line string) // a hive's stderr, its workers' lines included
	Ingest  func(otlp []byte)       // spans from hives and workers
}

// Prestarted is a hive that was started before there was an actor to own it.
type Prestarted struct {
	node     string
	launched *supervisor.Launched
}

// Prestart starts the hive that the first request will need, and tells it to do the same with its worker. It
// returns nil if that cannot be done; the request itself will find out why.
func Prestart(ctx context.Context, c Config, p *messages.Prestart) *Prestarted {
	if p == nil {
		return nil
	}
	node, spawner, err := c.Node(p.GetNode())
	if err != nil {
		return nil
	}
	l, err := c.launch(ctx, node, spawner, 1, p)
	if err != nil {
		return nil
	}
	return &Prestarted{node: node, launched: l}
}

// launch starts one life of a hive.
func (c Config) launch(ctx context.Context, node string, s supervisor.Spawner, life int, pre *messages.Prestart) (*supervisor.Launched, error) {
	ttl := c.IdleTTL.Milliseconds()
	if c.Ephemeral {
		ttl = -1
	}
	return supervisor.Launch(supervisor.Spec{
		Kind: "hive", Program: "rbee-hive", Address: transport.Join(c.Address, "hive-"+transport.SafeName(node), life), Owner: c.Address,
		Run: c.Run, Root: c.Root, Levels: 1, Lease: c.Lease, Spawner: s, Tracer: c.Tracer, Tracing: c.Tracing, Context: ctx,
		// A hive must end what is below it before it goes. CONT wakes one that is frozen; it then reads the end of
		// its stream.
		Death: syscall.SIGCONT,
		Boot: &messages.Boot{Role: &messages.Boot_Hive{Hive: &messages.HiveConfig{
			Node: node, Ephemeral: c.Ephemeral, Slots: c.Slots, IdleTtlMs: ttl, Prestart: pre,
		}}},
		Log:   func(line string) { c.Log(node, line) },
		Spans: c.Ingest,
	})
}
