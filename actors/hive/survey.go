package hive

import (
	"context"

	"rbee/internal/fault"
	"rbee/internal/place"
	"rbee/messages"
)

// offer says what this node could do for a request that may go to others as well. It reads the disk, and so runs
// outside of the actor.
func (h *hive) offer(s *messages.Survey, others usage) {
	o := &messages.Offer{Id: s.GetId()}
	if h.Free != nil {
		o.FreeBytes = h.Free()
	}
	found, err := h.Resolve(context.Background(), s.GetModel())
	switch {
	case err == nil:
		o.HasFile, o.ModelPath = true, found.Path
		if err := h.fits(s.GetLoad(), found, others); err != nil {
			o.Error = messages.FromFault(fault.From(err))
		}
	case !h.Fetchable(s.GetModel(), err):
		o.Error = messages.FromFault(fault.From(err))
	}
	h.Tell(o)
}

// fits says why no worker for that model can be started here.
func (h *hive) fits(l *messages.LoadOptions, found Found, others usage) error {
	devices, want, err := h.wish(context.Background(), l)
	if err != nil {
		return err
	}
	if h.living(place.Request{Node: h.Hive.GetNode(), Model: found.Path, Context: l.GetContext(), Default: usualContext(found), Threads: l.GetThreads(), Backend: want.Backend,
		Device: want.Device, GPULayers: l.GpuLayers, Worker: l.GetWorker()}) != nil {
		return nil // a worker that lives already
	}
	_, err = h.plan(devices, keyOf(found, l, want), found, others)
	return err
}
