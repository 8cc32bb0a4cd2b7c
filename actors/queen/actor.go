package queen

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Options of the actor, beside Config.
type Options struct {
	Config
	Endpoint *transport.Endpoint
	Registry *registry.Registry
	Tell     func(proto.Message) // to the keeper; for a daemon, to its log
	Spans    func() []byte       // finished spans that nobody has taken yet
	Pre      *Prestarted
	// Done is called once with the report, when everything below is gone.
	Done func(*messages.Stopped)
}

// Begin is sent when the way to the owner is open, or there is none.
type Begin struct{}

// Stop asks for the cascade. Drain is how long active requests may go on first.
type Stop struct {
	Cause string
	Grace time.Duration
	Drain time.Duration
}

// Kill ends everything at once: the second signal.
type Kill struct{}

// Spawn starts the queen's root actor.
func Spawn(o Options) (*actor.PID, error) {
	q := &queen{Options: o, hives: map[string]*hive{}, lives: map[string]int{}, ledger: map[string]*request{}}
	return o.Endpoint.System.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return q }), transport.RootID)
}

type queen struct {
	Options
	root   *actor.RootContext
	self   *actor.PID
	hives  map[string]*hive // by node
	lives  map[string]int   // of each node's hive: addresses are never used again
	ledger map[string]*request

	stopping *messages.Shutdown
	draining bool
	done     bool
	started  int64
	ends     []*messages.ProcessEnd
}

// hive is one life of a hive.
type hive struct {
	node    string
	link    *supervisor.Link
	state   state
	waiting []*request
	told    bool // somebody was told of its start
}

// request is one request until its stream has settled it.
type request struct {
	*messages.Generate
	to   *actor.PID
	node string
}

// What the gateway, the streams and the queen's own timers say.
type (
	submit struct {
		g  *messages.Generate
		to *actor.PID
	}
	settled struct {
		id string
		to *actor.PID
	}
	cancelID struct{ id, reason string }
	stalled  struct{ id string }
	drained  struct{} // the time to drain is over
)

func (q *queen) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		q.self, q.root = c.Self(), c.ActorSystem().Root
	case Begin:
		q.Tell(&messages.Ready{})
		if q.Pre != nil {
			q.lives[q.Pre.node] = 1
			q.adopt(q.Pre.node, q.Pre.launched)
		}
	case submit:
		q.submit(m)
	case settled:
		if r := q.ledger[m.id]; r != nil && r.to == m.to {
			delete(q.ledger, m.id)
			q.settledAll()
		}
	case cancelID:
		q.cancel(m)
	case stalled:
		if r := q.ledger[m.id]; r != nil {
			q.tellHive(r.node, &messages.Stalled{Id: m.id})
		}
	case *messages.Shutdown:
		q.stop(m, 0)
	case Stop:
		q.stop(&messages.Shutdown{GraceMs: m.Grace.Milliseconds(), Cause: m.Cause}, m.Drain)
	case drained:
		q.cascade()
	case Kill:
		q.kill()
	case *messages.Sync:
		q.Tell(&messages.SyncReply{Number: m.GetNumber()})
	case supervisor.LinkUp:
		if h := q.of(m.Link); h != nil {
			q.step(h, evUp)
		}
	case supervisor.Below:
		q.inventory()
	case supervisor.LinkDown:
		q.linkDown(m)
	case supervisor.FromChild:
		q.fromHive(m)
	}
}

func (q *queen) of(l *supervisor.Link) *hive {
	for _, h := range q.hives {
		if h.link.Address == l.Address {
			return h
		}
	}
	return nil
}

func (q *queen) inventory() {
	m := &messages.Inventory{}
	for _, h := range q.hives {
		m.Processes = append(m.Processes, h.link.Processes()...)
	}
	q.Tell(m)
}

func (q *queen) fromHive(m supervisor.FromChild) {
	h := q.of(m.Link)
	if h == nil {
		return
	}
	switch m := m.Message.(type) {
	case *messages.HiveState:
		_ = q.Registry.ReplaceNode(h.node, m.GetWorkers()) // a hive that claims another's workers is not believed
	case *messages.Narration:
		q.Tell(m)
	}
}

func (q *queen) tellHive(node string, m proto.Message) {
	if h := q.hives[node]; h != nil {
		h.link.Tell(m)
	}
}

func (q *queen) narrate(to *actor.PID, kind, text string) {
	q.root.Send(to, &messages.Narration{Source: "queen-rbee", Kind: kind, Text: text})
}

// ---- hives ----

func (q *queen) step(h *hive, e event) {
	next, effects, ok := table.Step(h.state, e)
	if !ok {
		return
	}
	h.state = next
	for _, do := range effects {
		q.do(h, do)
	}
}

func (q *queen) do(h *hive, e effect) {
	switch e {
	case doForward:
		for _, r := range h.waiting {
			q.forward(h, r)
		}
		h.waiting = nil
	case doStopLink:
		q.root.Send(h.link.PID, supervisor.StopLink{Grace: time.Duration(q.stopping.GetGraceMs()) * time.Millisecond,
			Cause: q.stopping.GetCause(), Traceparent: q.stopping.GetTraceparent()})
	case doLose:
		// In linkDown, which knows why.
	case doForget:
		delete(q.hives, h.node)
		q.Registry.RemoveNode(h.node)
		q.inventory()
	}
}

func (q *queen) adopt(node string, l *supervisor.Launched) *hive {
	q.started++
	h := &hive{node: node, state: starting, link: l.Attach(q.Endpoint, q.self)}
	q.hives[node] = h
	if q.stopping != nil {
		q.step(h, evStop)
	}
	return h
}

func (q *queen) linkDown(d supervisor.LinkDown) {
	h := q.of(d.Link)
	if h == nil {
		return
	}
	if q.stopping != nil || q.Ephemeral {
		q.ends = append(q.ends, d.Ends...)
		text := "exited"
		if !d.Asked {
			text += " (" + d.Cause + ")"
		}
		q.Tell(&messages.Narration{Source: "rbee-hive", Kind: "exit", Text: text})
	}
	q.step(h, evDown)
	f := lost(h, d)
	for _, r := range q.ledger {
		if r.node == h.node {
			q.root.Send(r.to, &messages.Failed{Id: r.GetId(), Error: messages.FromFault(f)})
		}
	}
	q.finish()
}

// lost explains a hive's end to those whose request was there.
func lost(h *hive, d supervisor.LinkDown) *fault.Error {
	if d.Err != nil {
		return fault.From(d.Err).With("node", h.node)
	}
	if d.Asked {
		return fault.New(fault.Cancelled, "the hive on %s was stopped", h.node).With("node", h.node)
	}
	return fault.New(fault.NodeLost, "the hive on %s is gone: %s", h.node, d.Cause).With("node", h.node).With("cause", d.Cause).
		WithHint("run the command again; a new hive is started")
}

// ---- requests ----

func (q *queen) submit(s submit) {
	id := s.g.GetId()
	if q.stopping != nil {
		q.fail(s.to, id, fault.New(fault.QueueFull, "the queen is stopping and takes no new request").WithHint("start another one"))
		return
	}
	if old := q.ledger[id]; old != nil && old.to != s.to {
		q.fail(s.to, id, fault.New(fault.InvalidRequest, "a request with id %s is running already", id).WithHint("let rbee choose the id"))
		return
	}
	node, spawner, err := q.Node(s.g.GetNode())
	if err != nil {
		q.fail(s.to, id, fault.From(err))
		return
	}
	r := &request{Generate: s.g, to: s.to, node: node}
	q.ledger[id] = r
	h := q.hives[node]
	if h == nil {
		q.lives[node]++
		l, err := q.launch(supervisor.WithTraceparent(context.Background(), s.g.GetTraceparent()), node, spawner, q.lives[node], nil)
		if err != nil {
			delete(q.ledger, id)
			q.fail(s.to, id, fault.From(err))
			return
		}
		h = q.adopt(node, l)
	}
	if !h.told {
		h.told = true
		q.narrate(s.to, "start", "starting hive on "+node)
	}
	if h.state == serving {
		q.forward(h, r)
		return
	}
	h.waiting = append(h.waiting, r)
}

func (q *queen) forward(h *hive, r *request) {
	if q.ledger[r.GetId()] == r {
		q.root.RequestWithCustomSender(h.link.Peer, r.Generate, r.to)
	}
}

func (q *queen) fail(to *actor.PID, id string, f *fault.Error) {
	q.root.Send(to, &messages.Failed{Id: id, Error: messages.FromFault(f)})
}

// cancel brings a cancel down the way the request went. One that still waits for its hive ends here.
func (q *queen) cancel(m cancelID) {
	r := q.ledger[m.id]
	if r == nil {
		return
	}
	if h := q.hives[r.node]; h != nil && h.state == serving {
		h.link.Tell(&messages.Cancel{Id: m.id, Reason: m.reason})
		return
	}
	q.fail(r.to, m.id, fault.New(fault.Cancelled, "%s", m.reason))
}

// ---- the stop ----

func (q *queen) stop(m *messages.Shutdown, drain time.Duration) {
	q.Tell(&messages.Stopping{})
	if q.stopping != nil {
		return
	}
	q.stopping = m
	if drain > 0 && len(q.ledger) > 0 {
		q.draining = true
		self, root := q.self, q.root
		time.AfterFunc(drain, func() { root.Send(self, drained{}) })
		return
	}
	q.start()
}

func (q *queen) settledAll() {
	if q.draining && len(q.ledger) == 0 {
		q.cascade()
	}
}

func (q *queen) cascade() {
	if q.draining {
		q.draining = false
		q.start()
	}
}

// start stops all hives at once.
func (q *queen) start() {
	if n := len(q.hives); n == 1 {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "stop", Text: "stopping 1 hive"})
	} else if n > 1 {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "stop", Text: "stopping " + itoa(n) + " hives"})
	}
	for _, h := range q.hives {
		q.step(h, evStop)
	}
	q.finish()
}

func (q *queen) kill() {
	if q.stopping == nil {
		q.stopping = &messages.Shutdown{Cause: "killed"}
	}
	q.draining = false
	for _, h := range q.hives {
		q.root.Send(h.link.PID, supervisor.KillLink{Cause: "a second signal"})
	}
	q.finish()
}

func (q *queen) finish() {
	if q.stopping == nil || q.draining || q.done || len(q.hives) > 0 {
		return
	}
	q.done = true
	q.Done(&messages.Stopped{Processes: q.ends, Spans: q.Spans(), Started: q.started})
}
