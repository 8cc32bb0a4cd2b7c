package hive

import (
	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
)

// unload stops workers because somebody asked for their end. What they were answering, and what waits for one of them
// to load, is cancelled: it would otherwise start the very model that was to go. Of a model that was given up there is only
// a row left: that goes, so the next request tries it again.
func (h *hive) unload(m *messages.StopWorkers) {
	for _, address := range m.GetAddresses() {
		if h.forgetAt(address) {
			continue
		}
		s := h.slots[address]
		if s == nil || s.unload != nil {
			continue // gone, or asked already
		}
		s.unload, s.cause = m, m.GetCause()
		s.err = fault.New(fault.Cancelled, "%s on %s was stopped: %s", transport.Base(address), h.Hive.GetNode(), m.GetCause())
		h.step(s, evUnload)
	}
}
