package registry

import (
	"maps"
	"slices"

	"rbee/messages"
)

// Get returns the row of that address.
func (r *Registry) Get(address string) (*messages.WorkerState, bool) {
	v, ok := r.addresses.Load(address)
	if !ok {
		return nil, false
	}
	rows := v.(*node).list()
	i, ok := position(rows, address)
	if !ok {
		return nil, false // removed between the two looks
	}
	return rows[i], true
}

// FindIdle returns the usable worker on that node that holds model (see Serves) and has most free slots; among
// equals the one with the lowest address.
func (r *Registry) FindIdle(name, model string) (*messages.WorkerState, bool) {
	n, ok := (*r.nodes.Load())[name]
	if !ok {
		return nil, false
	}
	var best *messages.WorkerState
	for _, w := range n.list() {
		if Usable(w) && Serves(w, model) && (best == nil || w.SlotsAvailable > best.SlotsAvailable) {
			best = w
		}
	}
	return best, best != nil
}

// List returns the rows of one node sorted by address, or with name "" those of all nodes, sorted by node and
// address. The rows of one node are of one moment. The slice is the caller's.
func (r *Registry) List(name string) []*messages.WorkerState {
	nodes := *r.nodes.Load()
	if name != "" {
		if n, ok := nodes[name]; ok {
			return slices.Clone(n.list())
		}
		return nil
	}
	var all []*messages.WorkerState
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		all = append(all, nodes[name].list()...)
	}
	return all
}

// Nodes returns the names of the nodes heard of and not removed, sorted; one without workers counts.
func (r *Registry) Nodes() []string {
	return slices.Sorted(maps.Keys(*r.nodes.Load()))
}
