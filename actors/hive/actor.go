package hive

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

type streamPID = *actor.PID

// Options of the actor, beside Config.
type Options struct {
	Config
	Endpoint *transport.Endpoint
	Tell     func(proto.Message) // to the queen
	Spans    func() []byte       // finished spans that nobody has taken yet
	Pre      *Prestarted
	// Done is called once with the last message, when everything below is gone.
	Done func(*messages.Stopped)
}

// Begin is sent when the way to the owner is open. What comes before it waits for it.
type Begin struct{}

// Stop is what a signal sends to the root actor: the same as Shutdown from the owner.
type Stop struct{ Cause string }

// Spawn starts the hive's root actor.
func Spawn(o Options) (*actor.PID, error) {
	h := &hive{Options: o, registry: registry.New(), slots: map[string]*slot{}, lives: map[string]int{}, ledger: map[string]*pending{}, lines: map[string]*place.Queue{}, epoch: time.Now(),
		deaths: map[key]supervisor.Lives{}, notBefore: map[key]time.Time{}, failed: map[key]failure{}}
	return o.Endpoint.System.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return h }), transport.RootID)
}

type hive struct {
	Options
	root     *actor.RootContext
	self     *actor.PID
	registry *registry.Registry
	slots    map[string]*slot // by address
	lives    map[string]int   // of each slot name: addresses are never used again
	started  int64

	ledger  map[string]*pending     // by request id
	lines   map[string]*place.Queue // by model file: those without a worker, and whose turn it was
	epoch   time.Time               // of the lines' time
	ticking bool                    // a look at the lines is due

	recall map[string]recall // by recallKey

	told  time.Time // when the queen was last told of the workers
	tells bool      // it will be told again soon

	deaths    map[key]supervisor.Lives
	notBefore map[key]time.Time
	failed    map[key]failure

	begun bool
	early []early

	stopping *messages.Shutdown
	sweeping bool
	ends     []*messages.ProcessEnd // of workers that are gone already, while somebody wants to know
}

// What the hive's own goroutines and timers say.
type (
	resolved struct {
		p     *pending
		found Found
		// the node's devices, and what the request wants of them
		devices []engine.Device
		want    fit.Want
		err     error

		recalled bool // from an earlier request
	}
	loadCheck struct{ s *slot }
	idleCheck struct{ s *slot }
	pumpNow   struct{}
	tellNow   struct{}
	swept     struct{}
)

// early is a message that came before Begin.
type early struct {
	message any
	sender  *actor.PID
}

func (h *hive) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		h.self, h.root = c.Self(), c.ActorSystem().Root
	case Begin:
		h.open()
	default:
		if !h.begun {
			h.early = append(h.early, early{m, c.Sender()})
			return
		}
		h.take(m, c.Sender())
	}
}

// open makes the worker that was started beforehand the hive's own. A stop may be here first: taken at once, it
// would neither end that worker nor report it.
func (h *hive) open() {
	h.begun = true
	h.Tell(&messages.Ready{})
	if h.Pre != nil {
		h.lives[slotName(0)] = 1
		h.adopt(h.Pre.launched, h.Pre.key, h.Pre.found, h.Pre.plan)
	}
	for _, e := range h.early {
		h.take(e.message, e.sender)
	}
	h.early = nil
}

func (h *hive) take(m any, sender *actor.PID) {
	switch m := m.(type) {
	case *messages.Generate:
		h.arrive(m, sender)
	case arrival:
		h.arrive(m.g, m.to)
	case resolved:
		h.resolved(m)
	case diskDone:
		h.diskDone(m)
	case *messages.Survey:
		go h.offer(m, h.spare())
	case *messages.Cancel:
		h.cancel(m)
	case *messages.Stalled:
		h.stalled(m)
	case *messages.StopWorkers:
		h.unload(m)
	case *messages.Shutdown:
		h.stop(m)
	case Stop:
		h.stop(&messages.Shutdown{GraceMs: supervisor.DefaultGrace.Milliseconds(), Cause: m.Cause})
	case *messages.Sync:
		h.Tell(&messages.SyncReply{Number: m.GetNumber()})
	case *messages.FlushSpans:
		h.tellSpans()
		h.Tell(&messages.SpansFlushed{Number: m.GetNumber()})
	case supervisor.LinkUp:
	case supervisor.Below:
		h.inventory()
	case supervisor.LinkDown:
		h.linkDown(m)
	case supervisor.FromChild:
		h.fromWorker(m)
	case loadCheck:
		h.loadCheck(m.s)
	case idleCheck:
		if ttl := h.ttl(m.s); m.s.state == idle && ttl >= 0 && time.Since(m.s.used) >= ttl {
			h.step(m.s, evIdle)
		}
	case lineTick:
		h.tick()
	case tellNow:
		h.tellWorkers()
	case forgive:
		h.forgive(m)
	case pumpNow:
		h.pump()
	case swept:
		h.Done(&messages.Stopped{Processes: h.ends, Spans: h.Spans(), Started: h.started})
	}
}

func (h *hive) send(m any) { h.root.Send(h.self, m) }

func (h *hive) later(d time.Duration, m any) { time.AfterFunc(d, func() { h.send(m) }) }

func (h *hive) narrate(to streamPID, source, kind, text string, progress float64) {
	if to != nil {
		h.root.Send(to, &messages.Narration{Source: source, Kind: kind, Text: text, Progress: progress})
	}
}

func (h *hive) tellSpans() {
	if b := h.Spans(); len(b) > 0 {
		h.Tell(&messages.Spans{Otlp: b})
	}
}

// tellTime is the least time between two accounts of the workers. A worker that answers short requests is taken and freed
// thousands of times a second, and the queen only shows it, and chooses between nodes by it.
const tellTime = 20 * time.Millisecond

// changed tells the queen what this hive knows now, or very soon.
func (h *hive) changed() {
	switch left := tellTime - time.Since(h.told); {
	case h.tells:
		return
	case left > 0 && h.stopping == nil:
		h.tells = true
		h.later(left, tellNow{})
		return
	}
	h.tellWorkers()
}

func (h *hive) tellWorkers() {
	h.told, h.tells = time.Now(), false
	h.Tell(&messages.HiveState{Node: h.Hive.GetNode(), Workers: h.registry.List(h.Hive.GetNode())})
}

func (h *hive) inventory() {
	m := &messages.Inventory{}
	for _, s := range h.slots {
		m.Processes = append(m.Processes, s.link.Processes()...)
	}
	h.Tell(m)
}

// ---- workers ----

// start gives the key's model a new worker in the first free slot, if it fits beside the others.
func (h *hive) start(p *pending) {
	where, err := h.plan(p.devices, p.key(), p.found, h.usage())
	if err != nil {
		if !h.makeRoom(p, err) {
			h.settle(p, fault.From(err), false)
		}
		return
	}
	taken := map[string]bool{}
	for _, s := range h.slots {
		taken[slotOf(s.link.Address)] = true
	}
	n := 0
	for taken[slotName(n)] {
		n++
	}
	name := slotName(n)
	h.lives[name]++
	ctx := supervisor.WithTraceparent(context.Background(), p.GetTraceparent())
	l, err := h.launch(ctx, transport.Join(h.Address, name, h.lives[name]), p.key(), p.found, where)
	if err != nil {
		h.settle(p, fault.From(err).With("node", h.Hive.GetNode()), false)
		return
	}
	h.adopt(l, p.key(), p.found, where)
}

// adopt makes a launched worker part of the hive.
func (h *hive) adopt(l *supervisor.Launched, k key, found Found, where plan) {
	h.started++
	s := &slot{key: k, found: found, plan: where, began: time.Now(), state: loading, total: max(1, h.Hive.GetSlots()), active: map[string]*pending{},
		used: time.Now(), lifeOf: time.Now()}
	s.link = l.Attach(h.Endpoint, h.self)
	h.slots[l.Address] = s
	if h.stopping != nil {
		h.step(s, evStop)
	}
	h.register(s)
	h.later(h.loadTimeout(), loadCheck{s})
}

func slotOf(address string) string {
	base := transport.Base(address)
	for i := len(base) - 1; i > 0; i-- {
		if base[i] == '.' {
			return base[:i]
		}
	}
	return base
}

func (h *hive) register(s *slot) {
	if err := h.registry.Register(s.row(h.Hive.GetNode())); err == nil {
		h.changed()
	}
}

func (h *hive) step(s *slot, e event) {
	next, effects, ok := table.Step(s.state, e)
	if !ok {
		return
	}
	s.state = next
	if next != gone {
		h.register(s) // first: the effects look at it
	}
	for _, do := range effects {
		h.do(s, do)
	}
}

func (h *hive) do(s *slot, e effect) {
	switch e {
	case doArmIdle:
		h.armIdle(s)
	case doStopLink:
		m := supervisor.StopLink{Grace: supervisor.DefaultGrace, Cause: string(s.state)}
		if u := s.unload; u != nil {
			m.Grace, m.Cause = time.Duration(u.GetGraceMs())*time.Millisecond, u.GetCause()
		}
		if h.stopping != nil {
			m = supervisor.StopLink{Grace: time.Duration(h.stopping.GetGraceMs()) * time.Millisecond, Cause: h.stopping.GetCause(),
				Traceparent: h.stopping.GetTraceparent()}
		}
		h.root.Send(s.link.PID, m)
	case doKillLink:
		h.root.Send(s.link.PID, supervisor.KillLink{Cause: s.cause})
	case doPump:
		h.pump()
	case doFailOwn:
		h.failWaiting(s)
	case doSettle:
		h.settleActive(s)
	case doRemove:
		if s.idle != nil {
			s.idle.Stop()
		}
		delete(h.slots, s.link.Address)
		h.bury(s)
		h.tellWorkers() // at once: who hears of a death may look
		h.inventory()
	}
}

// ttl is how long s stays when it is idle; negative = for ever. The last request's wish counts.
func (h *hive) ttl(s *slot) time.Duration {
	if s.keep != nil {
		return time.Duration(*s.keep) * time.Millisecond
	}
	return time.Duration(h.Hive.GetIdleTtlMs()) * time.Millisecond
}

// lingerTime is what a worker lives at the least after it has released a request: its answer goes to the queen on a way
// of its own, which the first one opens, so Released comes before it. A worker that ended at once took it along.
const lingerTime = 250 * time.Millisecond

// armIdle sets the one timer of an idle worker. Also with no time at all it is a message: who waits is served first.
func (h *hive) armIdle(s *slot) {
	if s.idle != nil {
		s.idle.Stop()
	}
	if ttl := h.ttl(s); ttl >= 0 {
		s.idle = time.AfterFunc(max(ttl, lingerTime), func() { h.send(idleCheck{s}) })
	}
}

func (h *hive) loadTimeout() time.Duration {
	if ms := h.Hive.GetLoadTimeoutMs(); ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	return 5 * time.Minute
}

func (h *hive) loadCheck(s *slot) {
	if s.state != loading {
		return
	}
	if left := h.loadTimeout() - time.Since(s.lifeOf); left > 0 {
		h.later(left, loadCheck{s})
		return
	}
	s.cause = "its model did not load in time"
	s.err = fault.New(fault.LoadTimeout, "model %s made no progress loading for %v on %s", s.found.Name, h.loadTimeout(), h.Hive.GetNode()).
		WithHint("the disk may be slow or the file damaged; %s", lastWords(s.link))
	h.step(s, evStuck)
}

// fromWorker handles what a worker says about itself.
func (h *hive) fromWorker(m supervisor.FromChild) {
	s := h.slots[m.Link.Address]
	if s == nil {
		return
	}
	switch m := m.Message.(type) {
	case *messages.Loading:
		s.lifeOf = time.Now()
		for _, p := range h.waitingFor(s) {
			h.narrate(p.to, "worker", "load", "loading model", m.GetProgress())
		}
	case *messages.Loaded:
		s.loaded, s.total, s.used = m, max(1, m.GetSlots()), time.Now()
		for _, p := range h.waitingFor(s) {
			h.narrate(p.to, "worker", "ready", readyText(m), 1)
		}
		h.step(s, evLoaded)
	case *messages.LoadFailed:
		s.err = m.GetError().Fault()
		h.step(s, evFailed)
	case *messages.Released:
		h.released(s, m)
	}
}

// linkDown: a worker is gone, and its link proved it.
func (h *hive) linkDown(d supervisor.LinkDown) {
	s := h.slots[d.Link.Address]
	if s == nil {
		return
	}
	s.cause = d.Cause
	if h.stopping != nil || h.Hive.GetEphemeral() {
		h.ends = append(h.ends, d.Ends...)
		h.Tell(&messages.Narration{Source: "worker", Kind: "exit", Text: "exited" + forcedText(d)})
	} else {
		h.Tell(&messages.Ended{Processes: d.Ends}) // before the inventory that lacks them
	}
	if !d.Asked && h.stopping == nil {
		if s.err == nil {
			s.err, s.died = crashed(s, d, h.Hive.GetNode()), true
		}
		h.mourn(s, d)
	}
	h.vouch(s)
	h.step(s, evDown)
	h.finish()
}

// ---- the stop ----

func (h *hive) stop(m *messages.Shutdown) {
	h.Tell(&messages.Stopping{})
	if h.stopping != nil {
		return
	}
	h.stopping = m
	if n := len(h.slots); n > 0 {
		h.Tell(&messages.Narration{Source: "rbee-hive", Kind: "stop", Text: count("stopping", n, "worker")})
	}
	for _, p := range h.ledger {
		if p.on == nil {
			h.settle(p, fault.New(fault.Cancelled, "the hive on %s is stopping", h.Hive.GetNode()), false)
		}
	}
	for _, s := range h.slots { // all at once
		if s.state == draining || s.state == failed {
			h.do(s, doStopLink) // the grace may be shorter now
			continue
		}
		h.step(s, evStop)
	}
	h.finish()
}

// finish reports when everything below is gone: the links proved it for each worker, and the sweep for what a
// worker may have left outside its group.
func (h *hive) finish() {
	if h.stopping == nil || h.sweeping || len(h.slots) > 0 {
		return
	}
	h.sweeping = true
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = supervisor.Sweep(ctx, h.Run, h.Address)
		h.send(swept{})
	}()
}
