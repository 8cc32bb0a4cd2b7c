package place

import (
	"slices"

	"rbee/internal/registry"
	"rbee/messages"
)

// Index answers the first question of Decide, which worker that is there takes a request, without looking at every
// node: for each model it keeps the workers that have a free slot in the order in which they would be chosen. A node
// costs something when its rows change, not when a request comes. It is for one goroutine.
type Index struct {
	nodes   map[string][]*messages.WorkerState
	at      map[string]located // by address
	usable  ranking
	loading ranking
}

type located struct {
	node string
	row  *messages.WorkerState
}

// ranking is by model the workers in one condition, best first. A worker stands there under each of its model's names.
type ranking map[string][]*messages.WorkerState

// NewIndex returns one that knows no node.
func NewIndex() *Index {
	return &Index{nodes: map[string][]*messages.WorkerState{}, at: map[string]located{}, usable: ranking{}, loading: ranking{}}
}

// Set makes rows all that is known of a node's workers; none forgets the node. Neither the rows nor their addresses may
// be changed, or be another node's, as long as they are known. Rows that are as they were cost next to nothing.
func (x *Index) Set(node string, rows []*messages.WorkerState) {
	old := x.nodes[node]
	for _, w := range old {
		if !slices.Contains(rows, w) {
			x.remove(w)
		}
	}
	for _, w := range rows {
		if !slices.Contains(old, w) {
			x.add(node, w)
		}
	}
	if len(rows) == 0 {
		delete(x.nodes, node)
		return
	}
	x.nodes[node] = slices.Clone(rows)
}

func (x *Index) add(node string, w *messages.WorkerState) {
	x.at[w.Address] = located{node, w}
	if r := x.rankingOf(w); r != nil {
		for _, model := range models(w) {
			all := r[model]
			i, _ := slices.BinarySearchFunc(all, w, rank)
			r[model] = slices.Insert(all, i, w)
		}
	}
}

func (x *Index) remove(w *messages.WorkerState) {
	delete(x.at, w.Address)
	if r := x.rankingOf(w); r != nil {
		for _, model := range models(w) {
			all := r[model]
			if i, ok := slices.BinarySearchFunc(all, w, rank); ok {
				r[model] = slices.Delete(all, i, i+1)
			}
			if len(r[model]) == 0 {
				delete(r, model)
			}
		}
	}
}

// rankingOf is where a worker stands; nil if it can take nothing.
func (x *Index) rankingOf(w *messages.WorkerState) ranking {
	switch {
	case registry.Usable(w):
		return x.usable
	case promisable(w):
		return x.loading
	}
	return nil
}

func models(w *messages.WorkerState) []string {
	if w.ModelRef == w.ModelPath {
		return []string{w.ModelRef}
	}
	return []string{w.ModelRef, w.ModelPath}
}

// rank is better for a request of which no worker has read anything.
func rank(a, b *messages.WorkerState) int { return better(a, b, Request{}) }

// few is up to how many nodes all their rows are looked at: among more, the best of all is likely to be on one of them.
const few = 64

// Loaded is what Decide says of these nodes if that is Use, or Wait for a worker. ok is false if it is anything else, for
// which the nodes have to be asked.
func (x *Index) Loaded(r Request, nodes []string) (d Decision, ok bool) {
	if r.Node != "" {
		if !slices.Contains(nodes, r.Node) {
			return d, false
		}
		nodes = []string{r.Node}
	}
	best := x.ranked
	if len(nodes) <= few {
		best = x.seen
	}
	if w := best(x.usable, r, nodes, registry.Usable); w != nil {
		return Decision{Do: Use, Node: x.at[w.Address].node, Worker: w}, true
	}
	if w := best(x.loading, r, nodes, promisable); w != nil {
		return Decision{Do: Wait, Node: x.at[w.Address].node, Worker: w}, true
	}
	return d, false
}

// seen looks at all rows of the nodes.
func (x *Index) seen(_ ranking, r Request, nodes []string, condition func(*messages.WorkerState) bool) (found *messages.WorkerState) {
	for _, n := range nodes {
		for _, w := range x.nodes[n] {
			if condition(w) && Fits(w, r) && (found == nil || better(w, found, r) < 0) {
				found = w
			}
		}
	}
	return found
}

// ranked is the first in its rank, unless a worker has read some of the prompt.
func (x *Index) ranked(in ranking, r Request, nodes []string, condition func(*messages.WorkerState) bool) (found *messages.WorkerState) {
	may := func(w *messages.WorkerState) bool { return Fits(w, r) && slices.Contains(nodes, x.at[w.Address].node) }
	for address, n := range r.Match {
		if w := x.at[address].row; n > 0 && w != nil && condition(w) && may(w) && (found == nil || better(w, found, r) < 0) {
			found = w
		}
	}
	if found != nil {
		return found
	}
	if i := slices.IndexFunc(in[r.Model], may); i >= 0 {
		return in[r.Model][i]
	}
	return nil
}
