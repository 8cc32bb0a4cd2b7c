package hive

import (
	"cmp"
	"slices"

	"rbee/internal/fault"
	"rbee/internal/transport"
)

// room finds what must go for a worker of p to fit: nothing but workers that are ending anyway, or besides them those
// that were idle longest. others is what is taken then; ok is false if even that would not do. A worker that is to be
// kept for ever is not touched.
func (h *hive) room(p *pending) (stop []*slot, others usage, ok bool) {
	var ending, spare []*slot
	for _, s := range h.slots {
		switch {
		case s.state == draining || s.state == failed:
			ending = append(ending, s)
		case s.state == idle && h.ttl(s) >= 0:
			spare = append(spare, s)
		}
	}
	slices.SortFunc(spare, func(a, b *slot) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.link.Address, b.link.Address))
	})
	for n := range len(spare) + 1 {
		gone := slices.Concat(ending, spare[:n])
		if len(gone) == 0 {
			continue
		}
		others = h.usage(gone...)
		if _, err := h.plan(p.devices, p.key(), p.found, others); err == nil {
			return spare[:n], others, true
		}
	}
	return nil, usage{}, false
}

// makeRoom lets idle workers go for a request that does not fit beside them. It then waits for their end, as for that
// of any worker.
func (h *hive) makeRoom(p *pending, err error) bool {
	if c := fault.CodeOf(err); c != fault.InsufficientMemory && c != fault.InsufficientVRAM {
		return false
	}
	stop, _, ok := h.room(p)
	for _, s := range stop {
		h.narrate(p.to, "rbee-hive", "stop", "stopping "+transport.Base(s.link.Address)+" ("+s.found.Name+", idle) to make room", 0)
		h.step(s, evIdle)
	}
	return ok || h.roomLater(p)
}

// roomLater says whether p would fit once those that answer now are idle. Then it waits in line for that: none of them is
// stopped for it, and each that becomes idle is looked at.
func (h *hive) roomLater(p *pending) bool {
	var gone []*slot
	for _, s := range h.slots {
		if s.state == draining || s.state == failed || (s.state == idle || s.state == busy) && h.ttl(s) >= 0 {
			gone = append(gone, s)
		}
	}
	_, err := h.plan(p.devices, p.key(), p.found, h.usage(gone...))
	return err == nil && len(gone) > 0
}

// spare is the usage if all idle workers went.
func (h *hive) spare() usage {
	var idles []*slot
	for _, s := range h.slots {
		if s.state == draining || s.state == failed || s.state == idle && h.ttl(s) >= 0 {
			idles = append(idles, s)
		}
	}
	return h.usage(idles...)
}
