package place

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/registry"
	"rbee/internal/workerkind"
	"rbee/messages"
)

// View is what is known at the moment of a decision.
type View struct {
	Nodes      []Node
	Waiting    int // requests that wait for this model already
	QueueLimit int // how many may; 0 = none, so a request that cannot be placed at once is rejected
}

// Node is one place where workers run. A configured node without a hive is a node without workers.
type Node struct {
	Name    string
	Workers []*messages.WorkerState // a loading row's free slots are those not promised to anybody yet
	HasFile bool                    // the model's file is on its disk
	Free    int64                   // bytes of memory a new worker could take
	Asked   int                     // requests of this model that are there already, served or waiting
	Full    bool                    // no room for another worker until one ends or goes idle
	Refuses *fault.Error            // why no worker of this model may start here at all; nil = one may
}

// Request is what placement needs to know of a request.
type Request struct {
	Node    string // "" = any
	Model   string // the path on the node if it is known, else the reference
	Context int64  // tokens per slot the worker must have; 0 = Default or more
	Default int64  // the context of a load that does not name one; 0 = not known
	Threads int64  // threads it must decode with; 0 = as it comes
	Backend string // it must run on; "" = as it comes
	Device  string // likewise: "cuda:1"
	// GPULayers it must have asked for (-1 = all of them); nil = as it comes
	GPULayers *int64
	// Match is how much of its prompt a worker, by address, has read for others lately; nil = not known of any
	Match map[string]int
	// Worker is the kind it must be of; "" = the usual one.
	Worker string
}

// Action is what to do with a request.
type Action string

const (
	Use    Action = "use"    // give it to Worker now
	Start  Action = "start"  // start a worker on Node for it
	Wait   Action = "wait"   // for Worker to finish loading, or without one in the queue
	Reject Action = "reject" // with Fault
)

// Decision is the answer of Decide.
type Decision struct {
	Do     Action
	Node   string                // all but Reject; of a Wait it may be "": nobody there has the model
	Worker *messages.WorkerState // Use, and Wait for a loading worker
	Fault  *fault.Error          // Reject
}

// Decide places r. It never changes v.
func Decide(v View, r Request) Decision {
	nodes := v.Nodes
	if r.Node != "" {
		i := slices.IndexFunc(v.Nodes, func(n Node) bool { return n.Name == r.Node })
		if i < 0 {
			return reject(unknown(v, r.Node))
		}
		nodes = v.Nodes[i : i+1]
	}
	if len(nodes) == 0 {
		return reject(fault.New(fault.NodeUnknown, "no node is configured").WithHint("--node localhost needs none"))
	}
	if n, w := best(nodes, r, registry.Usable); w != nil {
		return Decision{Do: Use, Node: n, Worker: w}
	}
	if n, w := best(nodes, r, promisable); w != nil {
		return Decision{Do: Wait, Node: n, Worker: w}
	}
	if n, ok := roomiest(nodes); ok {
		return Decision{Do: Start, Node: n.Name}
	}
	return queue(v, nodes, r)
}

// Fits reports whether w runs the model of r in the way r wants it, whatever its state.
func Fits(w *messages.WorkerState, r Request) bool {
	return registry.Serves(w, r.Model) &&
		contextFits(w.Context, r) &&
		(r.Threads == 0 || r.Threads == w.Threads) &&
		(r.Backend == "" || r.Backend == w.Backend) &&
		(r.Device == "" || r.Device == w.Device) &&
		(r.GPULayers == nil || *r.GPULayers == w.GpuLayers) &&
		workerkind.Same(r.Worker, w.Worker)
}

// contextFits compares contexts as they were asked for: a worker with 0 has the default. One that somebody else wanted
// smaller would refuse what a request without a wish may expect to fit.
func contextFits(has int64, r Request) bool {
	if r.Context != 0 {
		return has == r.Context
	}
	return has == 0 || has >= r.Default
}

func promisable(w *messages.WorkerState) bool {
	return w.State == registry.Loading && w.SlotsAvailable > 0
}

// best returns the fitting worker in the wanted condition that has read most of the prompt already. Among equals the one
// with most free slots: requests that run side by side share its speed. Then the one active last, whose memory is warm,
// then the first by address.
func best(nodes []Node, r Request, condition func(*messages.WorkerState) bool) (string, *messages.WorkerState) {
	var on string
	var found *messages.WorkerState
	for _, n := range nodes {
		for _, w := range n.Workers {
			if condition(w) && Fits(w, r) && (found == nil || better(w, found, r) < 0) {
				on, found = n.Name, w
			}
		}
	}
	return on, found
}

func better(a, b *messages.WorkerState, r Request) int {
	return cmp.Or(
		cmp.Compare(r.Match[b.Address], r.Match[a.Address]),
		cmp.Compare(b.SlotsAvailable, a.SlotsAvailable),
		cmp.Compare(b.LastActivityUnixNano, a.LastActivityUnixNano),
		cmp.Compare(a.Address, b.Address))
}

// roomiest returns the node a new worker should start on, if there is one.
func roomiest(nodes []Node) (Node, bool) {
	var found *Node
	for i := range nodes {
		n := &nodes[i]
		if n.Full || n.Refuses != nil {
			continue
		}
		if found == nil || n.HasFile && !found.HasFile || n.HasFile == found.HasFile && n.Free > found.Free {
			found = n
		}
	}
	if found == nil {
		return Node{}, false
	}
	return *found, true
}

// queue is for a request that no worker can take and no node can start one for.
func queue(v View, nodes []Node, r Request) Decision {
	var hope bool
	var shortest string
	var wait float64 // requests there for each slot
	for _, n := range nodes {
		slots := slots(n, r)
		hope = hope || n.Refuses == nil || slots > 0
		if slots == 0 {
			continue
		}
		if w := float64(n.Asked) / float64(slots); shortest == "" || w < wait {
			shortest, wait = n.Name, w
		}
	}
	switch {
	case !hope:
		return reject(nodes[0].Refuses)
	case v.Waiting >= v.QueueLimit:
		return reject(fault.New(fault.QueueFull, "%d of %d requests wait for %s already", v.Waiting, v.QueueLimit, r.Model).
			WithHint("try again later, or allow it another node").With("waiting", v.Waiting).With("limit", v.QueueLimit))
	}
	return Decision{Do: Wait, Node: shortest}
}

// slots counts those of a node's workers that could serve r at some time.
func slots(n Node, r Request) (sum int) {
	for _, w := range n.Workers {
		if Fits(w, r) && (w.State == registry.Busy || w.State == registry.Loading) {
			sum += int(max(1, w.SlotsTotal))
		}
	}
	return sum
}

func reject(f *fault.Error) Decision { return Decision{Do: Reject, Fault: f} }

func unknown(v View, name string) *fault.Error {
	known := make([]string, len(v.Nodes))
	for i, n := range v.Nodes {
		known[i] = n.Name
	}
	slices.Sort(known)
	return fault.New(fault.NodeUnknown, "node %q is not known", name).
		WithHint("%s", fmt.Sprintf("known nodes: %s", cmp.Or(strings.Join(known, ", "), "none"))).
		With("node", name).With("known", known)
}
