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
	found, err := h.Resolve(context.Background(), s.GetModel())
	switch {
	case err == nil:
		o.HasFile, o.ModelPath = true, found.Path
	case !h.Fetchable(s.GetModel(), err):
		o.Error = messages.FromFault(fault.From(err))
	}
	h.Tell(o)
}
