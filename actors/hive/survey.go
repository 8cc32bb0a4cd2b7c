package hive

import (
	"context"

	"rbee/internal/fault"
	"rbee/messages"
)

// offer says what this node could do for a request that may go to others as well. It reads the disk, and so runs
// outside of the actor.
func (h *hive) offer(s *messages.Survey) {
	o := &messages.Offer{Id: s.GetId()}
	if h.Free != nil {
		o.FreeBytes = h.Free()
	}
	if found, err := h.Resolve(context.Background(), s.GetModel()); err != nil {
		o.Error = messages.FromFault(fault.From(err))
	} else {
		o.HasFile, o.ModelPath = true, found.Path
	}
	h.Tell(o)
}
