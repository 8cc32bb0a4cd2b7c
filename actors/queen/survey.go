package queen

import (
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/messages"
)

// survey is what is known of the nodes that a request may go to: all their hives are started at once, each says what
// it could do, and place decides. It ends when the request is assigned.
type survey struct {
	offers map[string]*messages.Offer // by node
	failed map[string]*fault.Error    // nodes that cannot serve it
	late   bool                       // enough was waited for those that have not answered
	waits  time.Duration              // the shortest timer that was set
}

// A node that is slow to reach, or does not answer, does not hold up the others: the first offer waits for better ones
// for offerTime, and for fileTime if it has the model's file, since then only more memory would be better.
const (
	offerTime = time.Second
	fileTime  = 150 * time.Millisecond
)

// begin starts what is needed to decide where a request goes.
func (q *queen) begin(r *request) {
	r.survey = &survey{offers: map[string]*messages.Offer{}, failed: map[string]*fault.Error{}}
	if q.consider(r); r.survey == nil {
		return // a loaded worker waits for it somewhere
	}
	for _, n := range r.nodes {
		h := q.hiveFor(n, r.GetTraceparent())
		q.tellStart(h, r)
		if h.state == serving {
			q.ask(h, r)
		}
	}
}

func (q *queen) ask(h *hive, r *request) {
	h.link.Tell(&messages.Survey{Id: r.GetId(), Model: q.ref(h.node, r.GetModel()), Load: r.GetLoad()})
}

func (q *queen) offered(h *hive, o *messages.Offer) {
	r := q.ledger[o.GetId()]
	if r == nil || !r.asks(h.node.Name) {
		return
	}
	if e := o.GetError(); e != nil {
		r.survey.failed[h.node.Name] = e.Fault().With("node", h.node.Name)
	} else {
		r.survey.offers[h.node.Name] = o
	}
	q.consider(r)
}

// consider assigns the request if enough is known: a worker that has the model at once, otherwise when every node has
// answered or failed, or the time to wait for the rest is over.
func (q *queen) consider(r *request) {
	s, pending := r.survey, 0
	if len(s.failed) == len(r.nodes) {
		q.fail(r.to, r.GetId(), noneOf(r, s))
		return
	}
	asks := q.wants(r)
	if d, ok := q.index.Loaded(asks, names(r.nodes)); ok {
		q.chosen(r, d.Node, "its worker has the model")
		return
	}
	view := place.View{QueueLimit: 1}
	for _, n := range r.nodes {
		o, f := s.offers[n.Name], s.failed[n.Name]
		if o == nil && f == nil {
			pending++
		}
		weight := n.Weight
		if weight == 0 {
			weight = 1
		}
		view.Nodes = append(view.Nodes, place.Node{Name: n.Name, Workers: q.Registry.List(n.Name), HasFile: o.GetHasFile(),
			Free: int64(float64(o.GetFreeBytes()) * weight), Full: o == nil, Refuses: f})
	}
	for i, n := range view.Nodes {
		view.Nodes[i].Asked = q.asked(n.Name, r)
		for _, w := range n.Workers {
			// A hive starts no second worker beside a living one: the request would wait there.
			view.Nodes[i].Full = view.Nodes[i].Full || place.Fits(w, asks) && w.GetState() == registry.Busy
		}
	}
	d := place.Decide(view, asks)
	switch {
	case d.Do == place.Wait && d.Node != "" && (pending == 0 || s.late):
		q.chosen(r, d.Node, "all are busy, and it has the shortest line")
	case d.Do == place.Start && (pending == 0 || s.late):
		why := "it has the most free memory"
		if s.offers[d.Node].GetHasFile() {
			why = "it has the model's file"
		}
		q.chosen(r, d.Node, why)
	case len(s.offers) > 0:
		wait := offerTime
		if s.hasFile() {
			wait = fileTime
		}
		if s.waits == 0 || wait < s.waits {
			s.waits = wait
			q.later(wait, considers{r})
		}
	}
}

func names(nodes []Node) []string {
	all := make([]string, len(nodes))
	for i, n := range nodes {
		all[i] = n.Name
	}
	return all
}

// wants is what place needs to know of a request.
func (q *queen) wants(r *request) place.Request {
	asks := place.Request{Model: r.GetModel().GetRef(), Context: r.GetLoad().GetContext(), Threads: r.GetLoad().GetThreads(),
		Backend: r.GetLoad().GetBackend(), Device: r.GetLoad().GetDevice(), GPULayers: r.GetLoad().GpuLayers, Worker: r.GetLoad().GetWorker()}
	if len(r.GetPrefix()) == 0 {
		return asks
	}
	for _, n := range r.nodes {
		blocks := q.known[n.Name].Match(r.GetPrefix())
		if blocks == 0 {
			continue
		}
		if asks.Match == nil {
			asks.Match = map[string]int{}
		}
		for _, w := range q.Registry.List(n.Name) {
			asks.Match[w.GetAddress()] = blocks
		}
	}
	return asks
}

// asked counts the requests for r's model that a node has.
func (q *queen) asked(node string, r *request) (n int) {
	for _, o := range q.ledger {
		if o != r && o.node == node && o.GetModel().GetRef() == r.GetModel().GetRef() {
			n++
		}
	}
	return n
}

func (s *survey) hasFile() bool {
	for _, o := range s.offers {
		if o.GetHasFile() {
			return true
		}
	}
	return false
}

func (q *queen) chosen(r *request, node, why string) {
	for _, n := range r.nodes {
		if n.Name == node {
			q.narrate(r.to, "start", "placed on "+node+": "+why, 0)
			q.assign(r, n)
			return
		}
	}
}

// noneOf is the error when every node has failed: that of the first one, and what the others said.
func noneOf(r *request, s *survey) *fault.Error {
	var said []string
	for _, n := range r.nodes {
		said = append(said, n.Name+": "+s.failed[n.Name].Message)
	}
	first := s.failed[r.nodes[0].Name]
	return fault.New(first.Code, "none of %d nodes can serve this: %s", len(r.nodes), strings.Join(said, "; ")).WithHint("%s", first.Hint).
		With("nodes", said)
}
