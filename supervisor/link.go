package supervisor

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/transport"
	"rbee/messages"
)

// Link is the owner's handle of one child's life.
type Link struct {
	*Launched
	PID  *actor.PID // the link actor; takes StopLink and KillLink
	Peer *actor.PID // the child's root actor
	ep   *transport.Endpoint
	// joined is closed when streams can be opened to the child.
	joined chan struct{}
	// below is what the child last said lives below it.
	below atomic.Pointer[[]*messages.ProcessEnd]
}

// What a link tells its owner.
type (
	// LinkUp: the child's root takes messages.
	LinkUp struct{ Link *Link }
	// LinkLost: the child is dead or out of reach, and the proof is a while coming. LinkDown follows. It is not sent
	// for a child whose end is proven at once.
	LinkLost struct {
		Link  *Link
		Err   error // set when it never came up
		Cause string
	}
	// LinkDown: the child and everything below it is gone, or unproven. Sent exactly once.
	LinkDown struct {
		Link *Link
		// Err is set when it never came up.
		Err error
		// Cause says how it ended.
		Cause string
		// Asked: it ended because its owner asked it to, or by its own decision in good order.
		Asked bool
		// Ends holds the child first, then what was below it.
		Ends []*messages.ProcessEnd
	}
	// FromChild is a message of the child's that is not the link's own business.
	FromChild struct {
		Link    *Link
		Message proto.Message
	}
	// Below: the processes below a link changed.
	Below struct{ Link *Link }
)

// What an owner tells a link.
type (
	// StopLink asks for an orderly stop. Grace is a worker's; the link adds its own allowance. Traceparent is the
	// parent of the stop span.
	StopLink struct {
		Grace       time.Duration
		Cause       string
		Traceparent string
	}
	// KillLink ends the child at once.
	KillLink struct{ Cause string }
)

// Attach gives a launched child its link actor in this process's actor system. Messages go to owner.
func (l *Launched) Attach(ep *transport.Endpoint, owner *actor.PID) *Link {
	k := &Link{Launched: l, ep: ep, joined: make(chan struct{}), Peer: actor.NewPID(l.Address, transport.RootID)}
	k.PID = actor.NewPID(ep.Address(), transport.LinkPrefix+l.Address)
	a := &linkActor{Link: k, owner: owner, state: starting}
	_, err := ep.System.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return a }), k.PID.Id)
	if err != nil { // the address was used before, which its owner's counter excludes
		panic("supervisor: address used twice: " + l.Address)
	}
	return k
}

// Tell sends a message to the child's root.
func (k *Link) Tell(m proto.Message) { k.ep.System.Root.Send(k.Peer, m) }

// Joined is closed when streams can be opened to the child, which is before it is ready: they wait there.
func (k *Link) Joined() <-chan struct{} { return k.joined }

// Processes lists the child and what it last said lives below it.
func (k *Link) Processes() []*messages.ProcessEnd {
	own := &messages.ProcessEnd{Address: k.Address, Name: k.Program}
	select {
	case <-k.hello:
		own.Pid, own.Host, own.StartedUnixNano = k.peer.Pid, k.peer.Host, k.peer.StartedUnixNano
	default:
	}
	if own.StartedUnixNano == 0 {
		host, pid := k.process.Where()
		own.StartedUnixNano, own.Host, own.Pid = k.began.UnixNano(), host, int64(pid)
	}
	all := []*messages.ProcessEnd{own}
	if b := k.below.Load(); b != nil {
		all = append(all, *b...)
	}
	return all
}

// LastWords are the last lines of the child's stderr.
func (k *Link) LastWords() []string { return k.tail.Lines() }
