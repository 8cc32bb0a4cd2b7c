package hive

import (
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/fit"
	"rbee/messages"
)

// recallTime is how long the answer to "which file is that, and on which device" stands. Finding it costs file system
// calls, a header check and two goroutines, as much as all the rest of a short request; a file that was put in another's
// place counts a second later.
const recallTime = time.Second

// recalls is how many of them are kept.
const recalls = 64

// recall is what was found for the last request of one kind.
type recall struct {
	until   time.Time
	found   Found
	devices []engine.Device
	want    fit.Want
}

// recallKey is all that the answer depends on.
func recallKey(g *messages.Generate) string {
	var b []byte
	b, _ = proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, g.GetModel()) // what came from the wire can go there
	b = append(b, 0xff)                                                             // no field begins with it
	b, _ = proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, g.GetLoad())
	return string(b)
}

// recalled resolves a request by what was found for one like it a moment ago.
func (h *hive) recalled(p *pending) bool {
	if p.GetPlanOnly() {
		return false
	}
	r, ok := h.recall[recallKey(p.Generate)]
	if !ok || time.Now().After(r.until) {
		return false
	}
	h.resolved(resolved{p: p, found: r.found, devices: r.devices, want: r.want, recalled: true})
	return true
}

// remember keeps what was found.
func (h *hive) remember(r resolved) {
	if r.recalled || r.p.GetPlanOnly() {
		return
	}
	if h.recall == nil || len(h.recall) >= recalls {
		h.recall = map[string]recall{}
	}
	h.recall[recallKey(r.p.Generate)] = recall{time.Now().Add(recallTime), r.found, r.devices, r.want}
}
