package queen

import (
	"cmp"
	"slices"
	"sync/atomic"

	"rbee/internal/gateway"
)

// Board is how the nodes are, for readers outside of the actor. Only the actor writes it. The zero value is empty.
type Board struct {
	states atomic.Pointer[[]gateway.NodeState]
}

// Nodes returns how the nodes are, sorted by name.
func (b *Board) Nodes() []gateway.NodeState {
	if s := b.states.Load(); s != nil {
		return *s
	}
	return nil
}

// words are the states as people see them.
var words = map[state]string{reaching: "reaching", abandoned: "stopping", starting: "starting", serving: "connected", stopping: "stopping", lost: "lost"}

// post writes the board anew. A node that has a life is what that is; one that has none was lost.
func (q *queen) post() {
	if q.Board == nil {
		return
	}
	var all []gateway.NodeState
	for name, h := range q.current {
		all = append(all, gateway.NodeState{Name: name, State: words[h.state], Address: h.address})
	}
	for name, f := range q.lost {
		if q.current[name] == nil {
			all = append(all, gateway.NodeState{Name: name, State: "lost", Reason: f.Message})
		}
	}
	slices.SortFunc(all, func(a, b gateway.NodeState) int { return cmp.Compare(a.Name, b.Name) })
	q.Board.states.Store(&all)
}
