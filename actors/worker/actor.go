package worker

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Config of a worker actor.
type Config struct {
	Endpoint *transport.Endpoint
	Tell     func(proto.Message) // to the hive
	Load     *Loading
	Config   *messages.WorkerConfig
	Tracer   trace.Tracer
	Spans    func() []byte // finished spans that nobody has taken yet
	// Done is called once with the last message, when nothing runs in the engine any more.
	Done func(*messages.Stopped)
}

// Begin is sent when the way to the owner is open.
type Begin struct{}

// Stop is what a signal sends to the root actor: the same as Shutdown from the owner.
type Stop struct{ Cause string }

// Spawn starts the worker's root actor.
func Spawn(c Config) (*actor.PID, error) {
	a := &worker{Config: c, state: loading, requests: map[string]*request{}}
	return c.Endpoint.System.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return a }), transport.RootID)
}

type worker struct {
	Config
	state    state
	model    engine.Model // once loaded
	requests map[string]*request
}

// What the worker's own goroutines say.
type (
	loadTick struct{ told uint64 }
	loadOver struct{}
	ended    struct {
		r    *request
		last proto.Message
	}
)

func (w *worker) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case Begin:
		w.Tell(&messages.Ready{})
		w.watchLoad(c)
	case loadTick:
		w.progress(c, m)
	case loadOver:
		w.loaded(c)
	case *messages.Generate:
		w.generate(c, m)
	case ended:
		w.end(c, m)
	case *messages.Cancel:
		if r := w.requests[m.GetId()]; r != nil {
			r.cancel(errCancelled)
		}
	case *messages.Credit:
		if r := w.requests[m.GetId()]; r != nil {
			r.out.grant(m.GetPieces())
		}
	case *messages.Sync:
		w.Tell(&messages.SyncReply{Number: m.GetNumber()})
	case *messages.FlushSpans:
		w.tellSpans()
		w.Tell(&messages.SpansFlushed{Number: m.GetNumber()})
	case *messages.Shutdown, Stop:
		w.step(evStop)
		w.quiet()
	}
}

func (w *worker) step(e event) {
	next, effects, ok := table.Step(w.state, e)
	if !ok {
		return
	}
	w.state = next
	for _, do := range effects {
		w.do(do)
	}
}

func (w *worker) do(e effect) {
	switch e {
	case doTellLoaded:
		i := w.model.Info()
		w.tellSpans()
		w.Tell(&messages.Loaded{Context: int64(i.Context), Slots: int64(i.Slots), Backend: i.Backend, Device: i.Device,
			LoadMs: ms(w.Load.took), MemoryBytes: i.MemoryBytes})
	case doTellFailed:
		w.Tell(&messages.LoadFailed{Error: messages.FromFault(fault.From(w.Load.err))})
	case doAck:
		w.Tell(&messages.Stopping{})
	case doCancel:
		w.Load.cancel()
		for _, r := range w.requests {
			r.cancel(errCancelled)
		}
	case doReport:
		// The model is not freed: the process ends now, and the kernel takes it all back at once.
		w.Done(&messages.Stopped{Spans: w.Spans()})
	}
}

func (w *worker) tellSpans() {
	if b := w.Spans(); len(b) > 0 {
		w.Tell(&messages.Spans{Otlp: b})
	}
}

// quiet checks whether a draining worker is done.
func (w *worker) quiet() {
	if w.Load.over() && len(w.requests) == 0 {
		w.step(evQuiet)
	}
}

const loadTickTime = 100 * time.Millisecond

func (w *worker) watchLoad(c actor.Context) {
	self, root := c.Self(), c.ActorSystem().Root
	go func() { <-w.Load.done; root.Send(self, loadOver{}) }()
	time.AfterFunc(loadTickTime, func() { root.Send(self, loadTick{}) })
}

// progress tells the hive while the load moves; a load that does not move counts as hanging.
func (w *worker) progress(c actor.Context, t loadTick) {
	if w.state != loading {
		return
	}
	if now := w.Load.progress.Load(); now != t.told {
		t.told = now
		w.Tell(&messages.Loading{Progress: float64(now) / 1000})
	}
	self, root := c.Self(), c.ActorSystem().Root
	time.AfterFunc(loadTickTime, func() { root.Send(self, t) })
}

func (w *worker) loaded(actor.Context) {
	if w.Load.err != nil {
		w.step(evFailed)
	} else {
		w.model = w.Load.model
		w.step(evLoaded)
	}
	w.quiet()
}

func (w *worker) generate(c actor.Context, g *messages.Generate) {
	to := c.Sender()
	if to == nil || w.requests[g.GetId()] != nil {
		return // nobody to answer, or a repetition
	}
	if w.model == nil || w.state != idle && w.state != busy {
		c.Send(to, &messages.Failed{Id: g.GetId(), Retryable: true,
			Error: messages.FromFault(fault.New(fault.WorkerCrashed, "the worker is %s and takes no request", w.state))})
		w.Tell(&messages.Released{Id: g.GetId()})
		return
	}
	root := c.ActorSystem().Root
	ctx := supervisor.WithTraceparent(context.Background(), g.GetTraceparent())
	ctx, cancel := context.WithCancelCause(ctx)
	r := &request{Generate: g, cancel: cancel, arrived: time.Now()}
	if !g.GetWarm() {
		r.load = w.Load.took
	}
	info := w.model.Info()
	accepted := &messages.Accepted{Id: g.GetId(), Worker: w.Endpoint.Address(), ModelPath: w.Config.Config.GetModelPath(),
		Backend: info.Backend, LoadedBefore: g.GetWarm(), ToolFormat: toolFormat(g, info)}
	r.out = newOutbox(accepted, g.GetMaxTokens(), g.GetCredit(), func(m proto.Message) { root.Send(to, m) })
	w.requests[g.GetId()] = r
	w.step(evTake)
	self := c.Self()
	go func() {
		defer cancel(nil)
		defer func() {
			if p := recover(); p != nil { // a bug in Go code of the engine binding must not look like a lost process
				last := &messages.Failed{Id: r.Id, Error: messages.FromFault(fault.New(fault.Internal, "the engine binding panicked: %v", p))}
				r.rest(func(m proto.Message) { root.Send(to, m) })
				root.Send(to, last)
				root.Send(self, ended{r, last})
			}
		}()
		done, failed := r.run(ctx, w.model, w.Tracer)
		var last proto.Message = done
		if failed != nil {
			last = failed
			r.rest(func(m proto.Message) { root.Send(to, m) })
		} else {
			done.Spans = w.Spans()
			done.Accepted, done.Tokens = r.out.close()
		}
		root.Send(to, last)
		root.Send(self, ended{r, last})
	}()
}

func (w *worker) end(_ actor.Context, e ended) {
	delete(w.requests, e.r.Id)
	released := &messages.Released{Id: e.r.Id}
	if d, ok := e.last.(*messages.Done); ok {
		released.CompletionTokens = d.GetUsage().GetCompletionTokens()
	}
	w.Tell(released)
	if len(w.requests) == 0 {
		w.step(evFree)
	}
	w.quiet()
}
