package queen

import (
	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/keepalive"
	"rbee/internal/place"
	"rbee/messages"
)

// request is one request until its stream has settled it.
type request struct {
	*messages.Generate
	to     *actor.PID
	nodes  []Node  // where it may go
	node   string  // where it goes, once that is decided
	survey *survey // while it is not
}

// asks says whether the request still wants to hear of that node.
func (r *request) asks(node string) bool {
	if r.survey == nil {
		return false
	}
	return r.mayGo(node)
}

// mayGo says whether that node is one of those the request named.
func (r *request) mayGo(node string) bool {
	for _, n := range r.nodes {
		if n.Name == node {
			return true
		}
	}
	return false
}

func (q *queen) submit(s submit) {
	id := s.g.GetId()
	if q.stopping != nil {
		q.fail(s.to, id, fault.New(fault.QueenStopping, "the queen is stopping and takes no new request").WithHint("run the command again when it has stopped: it then starts a queen of its own"))
		return
	}
	if old := q.ledger[id]; old != nil && old.to != s.to && old.to != s.was {
		q.fail(s.to, id, fault.New(fault.InvalidRequest, "a request with id %s is running already", id).WithHint("let rbee choose the id"))
		return
	}
	nodes, err := q.Nodes(s.g.GetNode())
	if err != nil {
		q.fail(s.to, id, fault.From(err))
		return
	}
	if s.g.GetDisk() != nil && len(nodes) != 1 {
		q.fail(s.to, id, fault.New(fault.InvalidRequest, "a request about a disk is for one node, and %s are %d", s.g.GetNode(), len(nodes)).WithHint("ask each of them"))
		return
	}
	r := &request{Generate: s.g, to: s.to, nodes: nodes}
	q.ledger[id] = r
	if len(nodes) == 1 {
		q.assign(r, nodes[0])
		return
	}
	q.begin(r)
}

// assign decides where a request goes.
func (q *queen) assign(r *request, n Node) {
	r.node, r.survey = n.Name, nil
	if len(r.nodes) > 1 {
		q.remember(n.Name, r.GetPrefix())
	}
	h := q.hiveFor(n, r.GetTraceparent())
	q.tellStart(h, r)
	if h.state == serving {
		q.forward(h, r)
		return
	}
	h.waiting = append(h.waiting, r)
}

// remember notes which prompts a node's workers read: a request that may go to several goes where its prompt's beginning
// was read. Which worker of a node it was its hive knows.
func (q *queen) remember(node string, prefix []uint64) {
	if q.known[node] == nil {
		q.known[node] = &place.Known{}
	}
	q.known[node].Add(prefix)
}

// tellStart narrates a hive's start to the first request that waits for it.
func (q *queen) tellStart(h *hive, r *request) {
	if !h.told {
		h.told = true
		q.narrate(r.to, "start", "starting hive on "+h.node.Name, 0)
	}
	if h.state == reaching && h.last.text != "" {
		q.narrate(r.to, noteKind(h.last), h.last.text, h.last.progress)
	}
}

// forward gives a request to its hive, in the node's own terms.
func (q *queen) forward(h *hive, r *request) {
	if q.ledger[r.GetId()] == r {
		g := proto.Clone(r.Generate).(*messages.Generate)
		g.Node, g.Model = h.node.Name, q.ref(h.node, r.GetModel())
		q.lend(h, g, r.Generate)
		if q.KeepAlive != nil && g.KeepAliveMs == nil {
			if d, ok := q.KeepAlive(r.GetModel().GetRef()); ok {
				g.KeepAliveMs = new(keepalive.Millis(d))
			}
		}
		q.root.RequestWithCustomSender(h.link.Peer, g, r.to)
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
	if h := q.current[r.node]; h != nil && h.state == serving {
		h.link.Tell(&messages.Cancel{Id: m.id, Reason: m.reason})
		return
	}
	q.fail(r.to, m.id, fault.New(fault.Cancelled, "%s", m.reason))
}
