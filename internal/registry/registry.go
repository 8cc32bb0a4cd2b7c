package registry

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

// Registry is ready to use after New, by any number of goroutines.
type Registry struct {
	nodes     atomic.Pointer[map[string]*node] // the map is never changed once stored
	addresses sync.Map                         // address -> *node, for Get; its reads take no lock
	writing   sync.Mutex                       // held by writers only
}

// node is the rows of one node; the slice is never changed once stored.
type node struct {
	name string
	rows atomic.Pointer[[]*messages.WorkerState]
}

// New returns an empty registry.
func New() *Registry {
	r := &Registry{}
	r.nodes.Store(&map[string]*node{})
	return r
}

// Register adds a worker, or replaces the row of the same address. It fails, and changes nothing, if the row is
// not valid (no address, no node, unknown state, impossible slots) or its address is another node's.
func (r *Registry) Register(w *messages.WorkerState) error {
	if err := check(w); err != nil {
		return err
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.own(w.Address, w.Node); err != nil {
		return err
	}
	r.put(r.node(w.Node), clone(w))
	return nil
}

// Update lets change edit a copy of the row of that address and stores it. It fails, and changes nothing, if there
// is no such worker, or the row is not valid afterwards, or its address or node was changed. change must not call
// the registry.
func (r *Registry) Update(address string, change func(w *messages.WorkerState)) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	old, ok := r.Get(address)
	if !ok {
		return fmt.Errorf("worker %s is not registered", address)
	}
	w := clone(old)
	change(w)
	if w.Address != old.Address || w.Node != old.Node {
		return fmt.Errorf("worker %s on %s: an update may not make it %s on %s", old.Address, old.Node, w.Address, w.Node)
	}
	if err := check(w); err != nil {
		return err
	}
	r.put(r.node(w.Node), w)
	return nil
}

// Remove forgets a worker and reports whether it was known.
func (r *Registry) Remove(address string) bool {
	r.writing.Lock()
	defer r.writing.Unlock()
	v, ok := r.addresses.LoadAndDelete(address)
	if !ok {
		return false
	}
	n := v.(*node)
	old := n.list()
	i, _ := position(old, address)
	n.store(slices.Concat(old[:i], old[i+1:]))
	return true
}

// RemoveNode forgets a node and all its workers, and returns the rows it had.
func (r *Registry) RemoveNode(name string) []*messages.WorkerState {
	r.writing.Lock()
	defer r.writing.Unlock()
	nodes := *r.nodes.Load()
	n, ok := nodes[name]
	if !ok {
		return nil
	}
	rest := maps.Clone(nodes)
	delete(rest, name)
	r.nodes.Store(&rest)
	old := n.list()
	for _, w := range old {
		r.addresses.Delete(w.Address)
	}
	n.store(nil) // for a reader of Get that holds n already
	return old
}

// ReplaceNode makes rows all that is known of a node, in one step: a reader sees the old list or the new one.
// The rows' node is set to name. It fails, and changes nothing, if a row is not valid, an address comes twice, or
// an address is another node's.
func (r *Registry) ReplaceNode(name string, rows []*messages.WorkerState) error {
	next := make([]*messages.WorkerState, len(rows))
	for i, w := range rows {
		next[i] = clone(w)
		next[i].Node = name
		if err := check(next[i]); err != nil {
			return err
		}
	}
	slices.SortFunc(next, byAddress)
	for i := 1; i < len(next); i++ {
		if next[i].Address == next[i-1].Address {
			return fmt.Errorf("node %s reports worker %s twice", name, next[i].Address)
		}
	}

	r.writing.Lock()
	defer r.writing.Unlock()
	for _, w := range next {
		if err := r.own(w.Address, name); err != nil {
			return err
		}
	}
	n := r.node(name)
	old := n.list()
	n.store(next)
	for _, w := range next {
		r.addresses.Store(w.Address, n)
	}
	for _, w := range old {
		if _, kept := position(next, w.Address); !kept {
			r.addresses.Delete(w.Address)
		}
	}
	return nil
}

// own fails if address belongs to a worker of another node.
func (r *Registry) own(address, name string) error {
	if v, ok := r.addresses.Load(address); ok && v.(*node).name != name {
		return fmt.Errorf("worker %s belongs to node %s, not to %s", address, v.(*node).name, name)
	}
	return nil
}

// node returns the node of that name, made if need be. The caller holds writing.
func (r *Registry) node(name string) *node {
	nodes := *r.nodes.Load()
	if n, ok := nodes[name]; ok {
		return n
	}
	n := &node{name: name}
	n.store(nil)
	next := maps.Clone(nodes)
	next[name] = n
	r.nodes.Store(&next)
	return n
}

// put stores w, which nobody else may hold yet, in n. The caller holds writing.
func (r *Registry) put(n *node, w *messages.WorkerState) {
	old := n.list()
	i, known := position(old, w.Address)
	rest := old[i:]
	if known {
		rest = old[i+1:]
	}
	n.store(slices.Concat(old[:i], []*messages.WorkerState{w}, rest))
	if !known {
		r.addresses.Store(w.Address, n)
	}
}

func (n *node) list() []*messages.WorkerState { return *n.rows.Load() }

func (n *node) store(rows []*messages.WorkerState) { n.rows.Store(&rows) }

func clone(w *messages.WorkerState) *messages.WorkerState {
	return proto.Clone(w).(*messages.WorkerState)
}
