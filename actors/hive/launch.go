package hive

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/engine"
	"rbee/internal/fit"
	"rbee/internal/gguf"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/internal/workerkind"
	"rbee/messages"
	"rbee/supervisor"
)

// Found is a model on this node's disk, resolved and checked.
type Found struct {
	Ref, Name, Path string
	Size            int64
	Fetch           int64        // bytes that are not on the disk yet, of a model that was only looked up
	Header          *gguf.Header // nil = what it needs is not known, and not checked
}

// Progress of a model that is being fetched.
type Progress struct {
	Text     string
	Fraction float64 // 0 to 1
	Total    int64   // bytes of the whole model
}

// Config is what a hive needs to know and to reach.
type Config struct {
	Hive    *messages.HiveConfig
	Address string
	Run     string
	Root    string
	Lease   time.Duration
	// Resolve finds a model on this node's disk. Get does too, and fetches one that is not there, telling how far it is.
	Resolve func(context.Context, *messages.ModelRef) (Found, error)
	Get     func(ctx context.Context, m *messages.ModelRef, say func(Progress)) (Found, error)
	// Look says what Get would bring, and brings nothing. Nil: that is not known.
	Look func(context.Context, *messages.ModelRef) (Found, error)
	// Disk does what is asked about the models on this node's disk and returns JSON objects, as package shelf makes them.
	Disk func(context.Context, *messages.DiskTask, *messages.ModelRef, DiskHooks) ([][]byte, error)
	// Fetchable says whether Get may bring the model that Resolve did not find.
	Fetchable func(*messages.ModelRef, error) bool
	// Free is how many bytes of memory a new worker could take; 0 if it cannot be known.
	Free func() int64
	// Devices lists what workers of a kind can run on, the CPU first, as the engine reports them. The first call may
	// start processes, unless the backend that is wanted is the CPU; a GPU's FreeBytes are those of that moment. Nil: one
	// CPU. Lacking says why other backends are not among them. Nil: it is not known.
	Devices func(ctx context.Context, worker, backend string) ([]engine.Device, error)
	Lacking func() map[string]Lack
	CPU     fit.CPU
	Cores   func() int64 // physical ones that workers may use
	// Engine is the program and the engine's folder ("" = it finds one) for a worker of a kind on a device. Its error says
	// what a worker would lack on this node, before one is started: without libffi it would die before its main, in a
	// panic that explains nothing. Nil: the usual program, and nothing is checked.
	Engine func(worker, device string) (program, dir string, err error)
	// Doubt is called when a worker's program or the engine did not run: their files may be damaged. It may be nil.
	Doubt   func()
	Spawner supervisor.Spawner
	Tracer  trace.Tracer
	Tracing bool
	Log     func(worker, line string) // a worker's stderr
	Ingest  func(otlp []byte)         // spans from workers
}

// Lack is why a node has no device of a backend.
type Lack struct {
	Cause     string
	Hint      string // what to do about it; "" = nothing can be done
	Installed bool   // its libraries are there, and of no use
}

// Prestarted is a worker that was started before there was an actor to own it: the request that needs it is on
// its way, and the time it takes to come up is better spent now.
type Prestarted struct {
	key      key
	found    Found
	plan     plan
	launched *supervisor.Launched
}

// Prestart starts the worker that the first request will need. It returns nil if that cannot be done; the request
// itself will find out why, and tell its user.
func Prestart(ctx context.Context, c Config) *Prestarted {
	p := c.Hive.GetPrestart()
	if p == nil {
		return nil
	}
	found, err := c.resolve(ctx, p.GetModel(), c.Resolve) // what must be fetched first is no matter of a head start
	if err != nil {
		return nil
	}
	devices, want, err := c.wish(ctx, p.GetLoad())
	if err != nil {
		return nil
	}
	k := keyOf(found, p.GetLoad(), want)
	where, err := c.plan(devices, k, found, usage{})
	if err != nil {
		return nil
	}
	l, err := c.launch(ctx, transport.Join(c.Address, slotName(0), 1), k, found, where)
	if err != nil {
		return nil
	}
	return &Prestarted{key: k, found: found, plan: where, launched: l}
}

// resolve is Resolve, or Get, in a span.
func (c Config) resolve(ctx context.Context, m *messages.ModelRef, how func(context.Context, *messages.ModelRef) (Found, error)) (Found, error) {
	ctx, span := c.Tracer.Start(ctx, telemetry.SpanResolveModel, trace.WithAttributes(telemetry.AttrModelRef.String(m.GetRef())))
	defer span.End()
	found, err := how(ctx, m)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.SetAttributes(telemetry.AttrModelPath.String(found.Path), telemetry.AttrModelBytes.Int64(found.Size))
	return found, err
}

// key is what makes two requests fit the same worker.
type key struct {
	path             string
	context, threads int64
	want             fit.Want // settled
	worker           string   // its kind, never ""
}

func keyOf(f Found, l *messages.LoadOptions, w fit.Want) key {
	return key{f.Path, l.GetContext(), l.GetThreads(), w, workerkind.Named(l.GetWorker())}
}

func slotName(n int) string { return fmt.Sprintf("worker-%d", n) }

// launch starts one life of a worker.
func (c Config) launch(ctx context.Context, address string, k key, found Found, where plan) (*supervisor.Launched, error) {
	program, dir := workerkind.UsualProgram, ""
	if c.Engine != nil {
		var err error
		if program, dir, err = c.Engine(k.worker, where.Device.ID); err != nil {
			return nil, err
		}
	}
	load := &messages.LoadOptions{Context: k.context, Threads: where.threads}
	if k.want.GPULayers >= 0 {
		load.GpuLayers = &k.want.GPULayers
	}
	return supervisor.Launch(supervisor.Spec{
		Kind: "worker", Program: program, Address: address, Owner: c.Address, Run: c.Run, Root: c.Root,
		// Native code may hang: nothing but KILL is sure to end it when the hive is gone.
		Death: syscall.SIGKILL,
		// A failed assertion of ggml starts gdb on its process, if there is one, before it aborts.
		Env:     []string{"GGML_NO_BACKTRACE=1"},
		Spawner: c.Spawner, Lease: c.Lease, Tracer: c.Tracer, Tracing: c.Tracing, Context: ctx,
		Boot: &messages.Boot{Role: &messages.Boot_Worker{Worker: &messages.WorkerConfig{
			EngineDir: dir, ModelPath: found.Path, ModelName: found.Name, Slots: max(1, c.Hive.GetSlots()), Device: where.Device.ID,
			Load: load,
		}}},
		Log:   func(line string) { c.Log(transport.Base(address), line) },
		Spans: c.Ingest,
	})
}
