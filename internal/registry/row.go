package registry

import (
	"cmp"
	"fmt"
	"slices"

	"rbee/messages"
)

// The states of a worker. Loading, Idle and Busy go round; Draining and Failed lead only to removal.
const (
	Loading  = "loading"  // its model is on the way into memory
	Idle     = "idle"     // every slot is free
	Busy     = "busy"     // at least one slot is taken; others may be free
	Draining = "draining" // finishes what it has, takes nothing new
	Failed   = "failed"   // kept for its reason only
)

// Usable reports whether a request can be given to w now: its model is loaded and a slot is free.
func Usable(w *messages.WorkerState) bool {
	return w.SlotsAvailable > 0 && (w.State == Idle || w.State == Busy)
}

// Serves reports whether w holds that model, named by its path on the node or by the reference it was asked for.
// A relative reference means different files to different callers: name those by path.
func Serves(w *messages.WorkerState, model string) bool {
	return model != "" && (w.ModelPath == model || w.ModelRef == model)
}

// check says what is wrong with a row, so that a confused or hostile hive cannot plant one that misleads placement.
func check(w *messages.WorkerState) error {
	switch w.State {
	case Loading, Idle, Busy, Draining, Failed:
	default:
		return fmt.Errorf("worker %s: unknown state %q", w.Address, w.State)
	}
	switch {
	case w.Address == "":
		return fmt.Errorf("a worker on node %q has no address", w.Node)
	case w.Node == "":
		return fmt.Errorf("worker %s: no node", w.Address)
	case w.SlotsAvailable < 0 || w.SlotsAvailable > w.SlotsTotal:
		return fmt.Errorf("worker %s: %d of %d slots available", w.Address, w.SlotsAvailable, w.SlotsTotal)
	}
	return nil
}

func byAddress(a, b *messages.WorkerState) int { return cmp.Compare(a.Address, b.Address) }

// position returns where address is, or would be, in rows.
func position(rows []*messages.WorkerState, address string) (int, bool) {
	return slices.BinarySearchFunc(rows, address, func(w *messages.WorkerState, a string) int {
		return cmp.Compare(w.Address, a)
	})
}
