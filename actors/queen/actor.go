package queen

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/place"
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
	Board    *Board              // may be nil
	Tell     func(proto.Message) // to the keeper; for a daemon, to its log
	Spans    func() []byte       // finished spans that nobody has taken yet
	Answer   func(*messages.Answer)
	Pre      *Prestarted
	// Done is called once with the report, when everything below is gone.
	Done func(*messages.Stopped)
}

// Begin is sent when the way to the owner is open, or there is none. What comes before it waits for it.
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
	q := &queen{Options: o, index: place.NewIndex(), hives: map[string]*hive{}, current: map[string]*hive{}, lives: map[string]int{}, deaths: map[string]supervisor.Lives{},
		lost: map[string]*fault.Error{}, ledger: map[string]*request{}, known: map[string]*place.Known{}, census: newCensus(o.Count)}
	return o.Endpoint.System.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return q }), transport.RootID)
}

type queen struct {
	Options
	root    *actor.RootContext
	self    *actor.PID
	hives   map[string]*hive            // by address: all that is not proven gone
	current map[string]*hive            // by node: the life that takes requests
	lives   map[string]int              // of each hive's name: addresses are never used again
	deaths  map[string]supervisor.Lives // by node
	lost    map[string]*fault.Error     // by node: why its last life ended, until it serves again
	waits   []wait                      // for the end of what somebody wanted to end
	ledger  map[string]*request
	index   *place.Index            // of the registry's rows
	known   map[string]*place.Known // by node: what its present hive's workers have read

	begun bool
	early []any // what came before Begin

	stopping *messages.Shutdown
	draining bool
	done     bool
	started  int64
	ends     []*messages.ProcessEnd
	census   *census
}

// What the gateway, the streams and the queen's own timers say.
type (
	submit struct {
		g   *messages.Generate
		to  *actor.PID
		was *actor.PID // who listened to the attempt before; nil for the first
	}
	settled struct {
		id string
		to *actor.PID
	}
	cancelID  struct{ id, reason string }
	stalled   struct{ id string }
	drained   struct{}             // the time to drain is over
	revive    struct{ node Node }  // time to reach a lost node again
	considers struct{ r *request } // enough was waited for offers
)

func (q *queen) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		q.self, q.root = c.Self(), c.ActorSystem().Root
	case Begin:
		q.open()
	default:
		if !q.begun {
			q.early = append(q.early, m)
			return
		}
		q.take(m)
	}
}

// open makes what was started beforehand the queen's own. The keeper's request travels by itself and may be here
// first: taken at once, it would start a second hive under the address of the first.
func (q *queen) open() {
	q.begun = true
	q.Tell(&messages.Ready{})
	if q.Pre != nil {
		for _, r := range q.Pre.reaches {
			q.lives[hiveName(r.node.Name)] = 1
			q.follow(r)
		}
	}
	for _, m := range q.early {
		q.take(m)
	}
	q.early = nil
}

func (q *queen) take(m any) {
	switch m := m.(type) {
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
	case considers:
		if q.ledger[m.r.GetId()] == m.r && m.r.survey != nil {
			m.r.survey.late = true
			q.consider(m.r)
		}
	case unload:
		q.unload(m)
	case *messages.Shutdown:
		q.stop(m, 0)
	case Stop:
		q.stop(&messages.Shutdown{GraceMs: m.Grace.Milliseconds(), Cause: m.Cause}, m.Drain)
	case drained:
		q.cascade()
	case Kill:
		q.kill()
	case *messages.Answer:
		if q.Answer != nil {
			q.Answer(m)
		}
	case *messages.Sync:
		q.Tell(&messages.SyncReply{Number: m.GetNumber()})
	case note:
		q.note(m)
	case reached:
		q.reached(m)
	case revive:
		if q.stopping == nil && q.current[m.node.Name] == nil {
			q.hiveFor(m.node, "")
		}
	case supervisor.LinkUp:
		if h := q.hives[m.Link.Address]; h != nil {
			q.step(h, evUp)
			q.welcome(h)
		}
	case supervisor.Below:
		q.inventory()
	case supervisor.LinkLost:
		if h := q.hives[m.Link.Address]; h != nil {
			if h.fault = lostFault(h, m.Cause); m.Err != nil {
				h.fault = fault.From(m.Err).With("node", h.node.Name)
			}
			q.step(h, evLost)
		}
	case supervisor.LinkDown:
		q.linkDown(m)
	case supervisor.FromChild:
		q.fromHive(m)
	}
}

func (q *queen) send(m any) { q.root.Send(q.self, m) }

func (q *queen) later(d time.Duration, m any) { time.AfterFunc(d, func() { q.send(m) }) }

func (q *queen) narrate(to *actor.PID, kind, text string, progress float64) {
	q.root.Send(to, &messages.Narration{Source: "queen-rbee", Kind: kind, Text: text, Progress: progress})
}
