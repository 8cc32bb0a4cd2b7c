package queen

import (
	"strings"

	"rbee/internal/telemetry"
	"rbee/messages"
)

// census counts processes as they come and go, for the metrics of a daemon: its tree has no end at which a receipt
// could be counted. A nil *census counts nothing.
type census struct {
	count  *telemetry.Metrics
	living map[string]bool // by address, which is never used again
	died   map[string]bool // by address less its life: what the next one there is started in the place of
}

func newCensus(m *telemetry.Metrics) *census {
	if m == nil {
		return nil
	}
	return &census{count: m, living: map[string]bool{}, died: map[string]bool{}}
}

// see counts those that were not there before.
func (c *census) see(ps []*messages.ProcessEnd) {
	if c == nil {
		return
	}
	for _, p := range ps {
		if !c.living[p.GetAddress()] {
			c.living[p.GetAddress()] = true
			c.count.Started(p.GetName(), 1)
			if place := placeOf(p.GetAddress()); c.died[place] {
				delete(c.died, place)
				c.count.Restarted(p.GetName())
			}
		}
	}
}

// end counts those that are gone; one that may still be there is not.
func (c *census) end(ps []*messages.ProcessEnd) {
	if c == nil {
		return
	}
	c.see(ps) // some live so shortly that nobody told of their start
	for _, p := range ps {
		delete(c.living, p.GetAddress())
		if p.GetUnproven() {
			c.count.Unproven(p.GetName())
			continue
		}
		why := telemetry.EndOf(p.GetCause(), p.GetForced())
		c.count.Stopped(p.GetName(), why, p.GetForced())
		if why != telemetry.EndAsked && len(c.died) < maxLost {
			c.died[placeOf(p.GetAddress())] = true
		}
	}
}

// placeOf is an address less the number of its life: whoever has the same one is a successor.
func placeOf(address string) string { return address[:max(strings.LastIndexByte(address, '.'), 0)] }
