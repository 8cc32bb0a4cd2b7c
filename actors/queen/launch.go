package queen

import (
	"context"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"rbee/internal/keepalive"
	"rbee/internal/lend"
	"rbee/internal/models"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Config is what a queen needs to know and to reach.
type Config struct {
	Address     string
	Run         string
	Root        string
	Ephemeral   bool
	Reuse       bool // an ephemeral queen's workers serve one request after another
	Lease       time.Duration
	LoadTimeout time.Duration // a load without progress for so long has failed; 0 = 5 min
	Stall       time.Duration // a request without a token for so long is cancelled and its worker replaced; 0 = 60 s
	Slots       int64         // of a worker
	IdleTTL     time.Duration // of a worker; negative = for ever
	// Nodes resolves what the user gave ("mac", "a,b,c", "any") to machines. It asks no network.
	Nodes func(spec string) ([]Node, error)
	// Alias is what the user's configuration says a model's short name stands for; "" = nothing. It may be nil.
	Alias func(ref string) string
	// Loans is what hives on other machines may ask this one for; nil: nothing.
	Loans Loans
	// KeepAlive is how long it keeps a model's workers after their last answer; false = IdleTTL. It may be nil.
	KeepAlive func(ref string) (time.Duration, bool)
	Tracer    trace.Tracer
	Tracing   bool
	Count     *telemetry.Metrics      // of processes as they start and end; nil in an ephemeral queen, whose owner counts
	Log       func(node, line string) // a hive's stderr, its workers' lines included
	Ingest    func(otlp []byte)       // spans from hives and workers
}

// Loans grants a life of a hive what it needs to bring a model, under a name that the request carries, and ends that with
// the life.
type Loans interface {
	Grant(hive string, m *messages.ModelRef) (name string)
	Revoke(hive string)
}

// Node is a machine where a hive can run.
type Node struct {
	Name      string   // canonical: one name for one machine, as far as names go
	Local     bool     // this machine
	ModelsDir string   // of the configuration; "" = the node's own rule
	Devices   []string // of the configuration: the only ones that workers may use; none = all
	Weight    float64  // how much its free memory counts beside that of others; 0 = 1
	Spawner   supervisor.Spawner
}

// Prestarted are hives that were started before there was an actor to own them.
type Prestarted struct{ reaches []*reach }

// Prestart begins to reach the node that the first request will need, and has its hive do the same with its worker.
// Of several nodes only the hives are started: where the worker is to run is not decided yet. It returns nil if that
// cannot be done; the request itself will find out why.
func Prestart(ctx context.Context, c Config, p *messages.Prestart) *Prestarted {
	if p == nil {
		return nil
	}
	nodes, err := c.Nodes(p.GetNode())
	if err != nil {
		return nil
	}
	pre := &Prestarted{}
	for _, n := range nodes {
		var worker *messages.Prestart
		if len(nodes) == 1 && !p.GetModel().GetPush() { // what is pushed is not there yet, or not by that name
			worker = &messages.Prestart{Node: n.Name, Model: c.ref(n, p.GetModel()), Load: p.GetLoad()}
		}
		pre.reaches = append(pre.reaches, c.reach(ctx, n, 1, worker))
	}
	return pre
}

// ref is a model reference as that node is to read it. The caller's working directory and environment mean something
// on the caller's own machine only.
func (c Config) ref(n Node, m *messages.ModelRef) *messages.ModelRef {
	m = proto.Clone(m).(*messages.ModelRef)
	if c.Alias != nil {
		m.Alias = c.Alias(m.GetRef())
	}
	if m.GetPush() {
		m.Push = !n.Local // a copy of its own: it is there, or nowhere
		m.NoPull = n.Local
		if name, ok := models.PushName(lend.Words(m), m.GetCwd()); ok && m.Push {
			m.Ref, m.Alias, m.Pushed = name, "", true
		}
	}
	switch {
	case n.Local && m.GetModelsDir() == "":
		m.ModelsDir = m.GetEnvModelsDir()
	case !n.Local:
		m.Cwd = ""
	}
	m.EnvModelsDir = ""
	if m.ModelsDir == "" {
		m.ModelsDir = n.ModelsDir
	}
	return m
}

// lend lets a hive on another machine ask for what a request may need.
func (c Config) lend(h *hive, g, original *messages.Generate) {
	m := g.GetModel()
	if c.Loans == nil || h.node.Local || m.GetNoPull() && !m.GetPush() && g.GetDisk().GetVerb() != "verify" {
		return
	}
	o := proto.Clone(original.GetModel()).(*messages.ModelRef)
	if c.Alias != nil {
		o.Alias = c.Alias(o.GetRef())
	}
	m.Loan = c.Loans.Grant(h.address, o)
}

// reach is one life of a hive on its way into the world. Getting to another machine takes its time, so it happens in
// a goroutine, which may begin before there is an actor that wants to hear of it.
type reach struct {
	node    Node
	address string
	cancel  context.CancelFunc
	notes   chan note    // what takes its time; a note that finds it full is lost
	result  chan reached // has room for the one
}

// What a reach tells.
type (
	note struct {
		address, text string
		progress      float64
	}
	reached struct {
		address  string
		launched *supervisor.Launched // or
		err      error
	}
)

// hiveName is the part of a hive's address that is the same in all its lives.
func hiveName(node string) string { return "hive-" + transport.SafeName(node) }

// reach begins life number life of a hive.
func (c Config) reach(ctx context.Context, n Node, life int, pre *messages.Prestart) *reach {
	ctx, cancel := context.WithCancel(ctx)
	r := &reach{node: n, address: transport.Join(c.Address, hiveName(n.Name), life), cancel: cancel, notes: make(chan note, 16), result: make(chan reached, 1)}
	go func() {
		l, err := c.launch(ctx, n, r, pre)
		r.result <- reached{r.address, l, err}
	}()
	return r
}

func (c Config) launch(ctx context.Context, n Node, r *reach, pre *messages.Prestart) (*supervisor.Launched, error) {
	ttl := keepalive.Millis(c.IdleTTL)
	if c.Ephemeral {
		ttl = -1
	}
	return supervisor.Launch(supervisor.Spec{
		Kind: "hive", Program: "rbee-hive", Address: r.address, Owner: c.Address,
		Run: c.Run, Root: c.Root, Levels: 1, Lease: c.Lease, Spawner: n.Spawner, Tracer: c.Tracer, Tracing: c.Tracing, Context: ctx,
		// A hive must end what is below it before it goes. CONT wakes one that is frozen; it then reads the end of
		// its stream.
		Death: syscall.SIGCONT,
		Boot: &messages.Boot{Role: &messages.Boot_Hive{Hive: &messages.HiveConfig{
			Node: n.Name, Local: n.Local, ModelsDir: n.ModelsDir, Devices: n.Devices, Ephemeral: c.Ephemeral, Reuse: c.Reuse, Slots: c.Slots, IdleTtlMs: ttl, Prestart: pre,
			LoadTimeoutMs: c.LoadTimeout.Milliseconds(),
		}}},
		Log: func(line string) { c.Log(n.Name, line) },
		Say: func(text string, progress float64) {
			select {
			case r.notes <- note{r.address, text, progress}:
			default:
			}
		},
		Spans: c.Ingest,
	})
}
