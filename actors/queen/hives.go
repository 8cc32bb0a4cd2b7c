package queen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// hive is one life of a hive.
type hive struct {
	// constant
	node    Node
	address string
	reach   *reach

	state   state
	link    *supervisor.Link     // once it is reached
	started *supervisor.Launched // between reached and attached
	fault   *fault.Error         // why it is gone, once it is
	waiting []*request           // for it to serve
	unload  *messages.Shutdown   // why it is to end before its queen, if it is
	told    bool                 // somebody was told of its start
	last    note                 // what its reaching said last
}

// hiveFor returns the life of a hive that takes the node's requests, and begins a new one if there is none.
func (q *queen) hiveFor(n Node, traceparent string) *hive {
	if h := q.current[n.Name]; h != nil {
		return h
	}
	name := hiveName(n.Name)
	q.lives[name]++
	return q.follow(q.Config.reach(supervisor.WithTraceparent(context.Background(), traceparent), n, q.lives[name], nil))
}

// follow makes a hive that is being reached part of the queen.
func (q *queen) follow(r *reach) *hive {
	h := &hive{node: r.node, address: r.address, reach: r, state: reaching}
	q.hives[h.address], q.current[h.node.Name] = h, h
	go func() {
		for {
			select {
			case n := <-r.notes:
				q.send(n)
			case d := <-r.result:
				q.send(d)
				return
			}
		}
	}()
	if q.stopping != nil {
		q.step(h, evStop)
	}
	q.post()
	return h
}

func (q *queen) note(n note) {
	h := q.hives[n.address]
	if h == nil {
		return
	}
	h.last = n
	for _, r := range q.interested(h) {
		q.narrate(r.to, noteKind(n), n.text, n.progress)
	}
}

// noteKind: what has a progress is drawn as a bar.
func noteKind(n note) string {
	if n.progress > 0 {
		return "load"
	}
	return "start"
}

// interested lists the requests that this hive's start concerns.
func (q *queen) interested(h *hive) (rs []*request) {
	for _, r := range q.ledger {
		if r.node == h.node.Name || r.node == "" && r.asks(h.node.Name) {
			rs = append(rs, r)
		}
	}
	return rs
}

func (q *queen) reached(m reached) {
	h := q.hives[m.address]
	if h == nil {
		return
	}
	if m.err != nil {
		h.fault = fault.From(m.err).With("node", h.node.Name)
		if _, again := q.deaths[h.node.Name]; again { // only a node that did serve is reached for again
			q.mourn(h, m.err.Error())
		}
		q.step(h, evUnreached)
		q.finish()
		return
	}
	q.started++
	h.started = m.launched
	q.step(h, evReached)
}

func (q *queen) inventory() {
	m := &messages.Inventory{}
	for _, h := range q.hives {
		if h.link != nil {
			m.Processes = append(m.Processes, h.link.Processes()...)
		}
	}
	q.census.see(m.Processes)
	q.Tell(m)
}

func (q *queen) fromHive(m supervisor.FromChild) {
	h := q.hives[m.Link.Address]
	if h == nil {
		return
	}
	switch m := m.Message.(type) {
	case *messages.HiveState:
		if q.current[h.node.Name] == h {
			if q.Registry.ReplaceNode(h.node.Name, m.GetWorkers()) == nil { // a hive that claims another's workers is not believed
				q.index.Set(h.node.Name, q.Registry.List(h.node.Name))
			}
			q.checkWaits()
		}
	case *messages.Ended:
		ends := supervisor.Claims(h.address, m.GetProcesses())
		q.census.end(ends)
		for _, e := range ends {
			q.Tell(&messages.Narration{Source: e.GetName(), Kind: "exit",
				Text: transport.Base(e.GetAddress()) + " on " + h.node.Name + " exited (" + e.GetCause() + ")"})
		}
	case *messages.Offer:
		q.offered(h, m)
	case *messages.Narration:
		q.Tell(m)
	}
}

func (q *queen) tellHive(node string, m proto.Message) {
	if h := q.current[node]; h != nil && h.link != nil {
		h.link.Tell(m)
	}
}

func (q *queen) step(h *hive, e event) {
	next, effects, ok := table.Step(h.state, e)
	if !ok {
		return
	}
	h.state = next
	for _, do := range effects {
		q.do(h, do)
	}
	q.post()
}

func (q *queen) do(h *hive, e effect) {
	switch e {
	case doCancel:
		h.reach.cancel()
	case doAttach:
		h.link, h.started = h.started.Attach(q.Endpoint, q.self), nil
	case doForward:
		delete(q.lost, h.node.Name)
		for _, r := range h.waiting {
			q.forward(h, r)
		}
		h.waiting = nil
		for _, r := range q.ledger {
			if r.node == "" && r.asks(h.node.Name) {
				q.ask(h, r)
			}
		}
	case doStopLink:
		why := h.unload
		if q.stopping != nil {
			why = q.stopping
		}
		q.root.Send(h.link.PID, supervisor.StopLink{Grace: time.Duration(why.GetGraceMs()) * time.Millisecond,
			Cause: why.GetCause(), Traceparent: why.GetTraceparent()})
	case doRetire:
		if q.current[h.node.Name] == h {
			delete(q.current, h.node.Name)
			q.Registry.RemoveNode(h.node.Name)
			q.index.Set(h.node.Name, nil)
			delete(q.known, h.node.Name)
		}
	case doLose:
		q.lose(h)
	case doForget:
		h.reach.cancel() // of a context that nobody waits for any more
		delete(q.hives, h.address)
		if q.Loans != nil {
			q.Loans.Revoke(h.address)
		}
		q.inventory()
		q.checkWaits()
	}
}

func (q *queen) linkDown(d supervisor.LinkDown) {
	h := q.hives[d.Link.Address]
	if h == nil {
		return
	}
	if q.stopping != nil || q.Ephemeral {
		q.ends = append(q.ends, d.Ends...)
		text := "exited"
		if !h.node.Local {
			text += " on " + h.node.Name
		}
		if !d.Asked {
			text += " (" + d.Cause + ")"
		}
		q.Tell(&messages.Narration{Source: "rbee-hive", Kind: "exit", Text: text})
	}
	switch {
	case d.Err != nil:
		h.fault = fault.From(d.Err).With("node", h.node.Name)
	case d.Asked:
		h.fault = fault.New(fault.Cancelled, "the hive on %s was stopped", h.node.Name).With("node", h.node.Name)
	default:
		h.fault = lostFault(h, d.Cause)
	}
	q.census.end(d.Ends)
	if !d.Asked && d.Err == nil {
		q.mourn(h, d.Cause)
	}
	q.step(h, evDown)
	q.finish()
}

// lostFault explains a hive's end that nobody asked for.
func lostFault(h *hive, cause string) *fault.Error {
	return fault.New(fault.NodeLost, "the hive on %s is gone: %s", h.node.Name, cause).With("node", h.node.Name).With("cause", cause).
		WithHint("run the command again; a new hive is started")
}

// mourn has a daemon reach a lost node again, with the policy that workers have. A request that wants the node
// meanwhile does not wait for that.
func (q *queen) mourn(h *hive, cause string) {
	if q.Ephemeral || q.stopping != nil {
		return
	}
	lives, v := supervisor.DefaultRestartPolicy.Died(q.deaths[h.node.Name], time.Now(), cause, rand.Float64())
	q.deaths[h.node.Name] = lives
	if v.Again {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "warn", Text: fmt.Sprintf("node %s is lost (%s), reaching it again in %v", h.node.Name, cause, v.Wait.Round(time.Millisecond))})
		q.later(v.Wait, revive{h.node})
		return
	}
	delete(q.deaths, h.node.Name) // the next request begins a new history
	q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "warn", Text: "node " + h.node.Name + " is given up until a request wants it: " + v.Reason})
}

// leaveOut tells a request that may go elsewhere of a node that does not work.
func (q *queen) leaveOut(r *request, h *hive) {
	if h.fault.Code != fault.Cancelled {
		q.narrate(r.to, "warn", h.node.Name+" is left out: "+h.fault.Message, 0)
	}
}

// maxLost bounds what is remembered of nodes that are gone: their names are the clients'.
const maxLost = 256

// welcome says that a node which was lost is there again.
func (q *queen) welcome(h *hive) {
	if _, again := q.deaths[h.node.Name]; again && h.state == serving {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "start", Text: "node " + h.node.Name + " is back, as " + transport.Base(h.address)})
	}
}

// lose tells everybody whose request was there, or was to be.
func (q *queen) lose(h *hive) {
	h.waiting = nil
	if h.fault.Code != fault.Cancelled && len(q.lost) < maxLost {
		q.lost[h.node.Name] = h.fault
	}
	for _, r := range q.ledger {
		switch {
		case r.node == h.node.Name:
			// A daemon lives on: the request may go to the node's next life. Elsewhere it may if it may go elsewhere.
			again := h.fault.Code == fault.NodeLost && q.stopping == nil && (!q.Ephemeral || len(r.nodes) > 1)
			q.root.Send(r.to, &messages.Failed{Id: r.GetId(), Error: messages.FromFault(h.fault), Retryable: again})
		case r.node == "" && r.asks(h.node.Name):
			q.leaveOut(r, h)
			r.survey.failed[h.node.Name] = h.fault
			q.consider(r)
		case r.mayGo(h.node.Name):
			q.leaveOut(r, h)
		}
	}
}
