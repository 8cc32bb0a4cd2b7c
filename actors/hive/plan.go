package hive

import (
	"cmp"
	"context"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/place"
	"rbee/messages"
)

// look finds what a planned request is about without bringing it: a model that is not there is looked up on the hub.
func (h *hive) look(ctx context.Context, m *messages.ModelRef) (Found, error) {
	found, err := h.resolve(ctx, m, h.Resolve)
	if err != nil && h.Look != nil && h.Fetchable(m, err) {
		return h.Look(ctx, m)
	}
	return found, err
}

// answerPlan says what would become of a request, by the same steps that would be taken, and ends it.
func (h *hive) answerPlan(p *pending) {
	m := &messages.Plan{Node: h.Hive.GetNode(), Model: p.found.Name, Path: p.found.Path, Size: p.found.Size, FetchBytes: p.found.Fetch,
		Context: p.GetLoad().GetContext(), Slots: max(1, h.Hive.GetSlots()), Threads: p.GetLoad().GetThreads()}
	if head := p.found.Header; head != nil {
		m.Architecture, m.Quantization = head.Architecture, head.Quantization()
		m.Context = cmp.Or(m.Context, fit.DefaultContext(head))
	}
	d, r := h.decide(p)
	switch w := h.living(r); {
	case d.Do == place.Reject:
		h.settle(p, d.Fault, false)
		return
	case w != nil:
		m.Worker, m.WorkerState, m.Device, m.Backend = w.GetAddress(), w.GetState(), w.GetDevice(), w.GetBackend()
	default:
		others := h.usage()
		where, err := h.plan(p.devices, p.key(), p.found, others)
		if err != nil {
			if stop, then, ok := h.room(p); ok {
				others = then
				where, err = h.plan(p.devices, p.key(), p.found, others)
				for _, s := range stop {
					m.Stops = append(m.Stops, s.link.Address)
				}
			}
		}
		if err == nil && p.found.Fetch > 0 {
			err = h.tooLarge(p.devices, p.found.Name, p.found.Size, others)
		}
		if err != nil {
			h.settle(p, fault.From(err), false)
			return
		}
		m.Device, m.Backend, m.Passed, m.Threads = where.Device.ID, where.Device.Backend, where.Passed, where.threads
		m.Needed, m.Free = where.Need.Host.Total(), max(0, h.Free()-others.host)
		m.DeviceNeeded = where.Need.Device.Total()
		if m.DeviceNeeded > 0 {
			m.DeviceFree = where.Device.FreeBytes
		}
		if p.found.Header != nil {
			m.LoadMs = fit.LoadSeconds(where.Need) * 1000
		}
	}
	delete(h.ledger, p.GetId())
	p.cancel()
	h.root.Send(p.to, &messages.Done{Id: p.GetId(), FinishReason: "planned", Plan: m})
}

// tooLarge refuses a model whose weights alone are more than this node has free anywhere: so much is known before its
// header is.
func (c Config) tooLarge(devices []engine.Device, name string, bytes int64, others usage) error {
	free := c.Free()
	if free == 0 {
		return nil // nobody knows
	}
	free -= others.host
	for _, d := range devices[1:] {
		free += d.FreeBytes - others.devices[d.ID]
	}
	if bytes <= free {
		return nil
	}
	return fault.New(fault.InsufficientMemory, "not enough memory: the weights of %s alone are %s, and %s are free", name, fit.Bytes(bytes), fit.Bytes(max(0, free))).
		WithHint("choose a smaller quantisation or a smaller model; or another node: --node NAME, or --node any for all of them").
		With("needed", bytes).With("free", max(0, free)).With("node", c.Hive.GetNode())
}
