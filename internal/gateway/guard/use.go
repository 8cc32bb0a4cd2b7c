package guard

import (
	"strings"
	"time"

	"rbee/internal/gateway"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// use is one request, from Submit to its end.
type use struct {
	// constant
	m      *Meter
	tenant *tenant // nil: nobody to charge
	g      *messages.Generate
	began  time.Time

	// locked by the Meter
	accepted    time.Time
	loaded      bool // a model was loaded for it
	first, last time.Time
	pieces      int64
	charged     int64
	over        bool
}

func (m *Meter) begin(name string, g *messages.Generate) *use {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := &use{m: m, tenant: m.tenants[name], g: g, began: time.Now()}
	m.uses[u] = struct{}{}
	return u
}

func (u *use) see(e gateway.Event) {
	switch {
	case e.Done != nil:
		u.end("", e.Done)
		return
	case e.Failed != nil:
		u.end(string(e.Failed.Code), nil)
		return
	case e.Accepted == nil && e.Tokens == nil:
		return
	}
	now := time.Now()
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if e.Accepted != nil {
		u.accepted, u.loaded = now, !e.Accepted.GetLoadedBefore()
		return
	}
	if u.first.IsZero() {
		u.first = now
	}
	u.last = now
	n := int64(len(e.Tokens.GetPieces()))
	u.pieces += n
	u.charge(n, now) // at once: a long answer must not hide what it uses until it is over
}

func (u *use) charge(n int64, now time.Time) {
	if u.tenant != nil && n > 0 {
		u.charged += n
		u.tenant.charge(n, now)
	}
}

// end settles it, once: what comes first counts.
func (u *use) end(code string, d *messages.Done) {
	now := time.Now()
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if u.over {
		return
	}
	u.over = true
	delete(u.m.uses, u)
	r := telemetry.Request{
		Operation: operation(u.g), Model: u.m.label(u), Error: code, Duration: now.Sub(u.began), Output: u.pieces, Loaded: u.loaded,
	}
	if d != nil {
		r.Input, r.Output, r.Cached = d.GetUsage().GetPromptTokens(), d.GetUsage().GetCompletionTokens(), d.GetUsage().GetCachedTokens()
		if n := r.Output - 1; n > 0 { // the worker saw each token; here they come in batches
			r.PerToken = time.Duration(d.GetTimings().GetDecodeMs()*float64(time.Millisecond)) / time.Duration(n)
		}
		r.Load = time.Duration(d.GetTimings().GetLoadMs() * float64(time.Millisecond))
	}
	if !u.first.IsZero() {
		r.FirstToken = u.first.Sub(u.began)
	}
	if r.PerToken == 0 && u.pieces > 1 {
		r.PerToken = u.last.Sub(u.first) / time.Duration(u.pieces-1)
	}
	if !u.accepted.IsZero() {
		r.Wait = u.accepted.Sub(u.began)
	}
	u.charge(r.Input+r.Output-u.charged, now)
	u.m.count.Request(r)
}

func operation(g *messages.Generate) string {
	if g.GetRaw() {
		return "text_completion"
	}
	return "chat"
}

const (
	maxModels = 64
	otherName = "_other"
)

// label is the model's name in the metrics. Names are the clients' to choose, and each costs memory here and in
// whatever reads the metrics: only those that a worker took count, and only so many of them. A path is nobody's
// business.
func (m *Meter) label(u *use) string {
	name := u.g.GetModel().GetRef()
	switch {
	case m.models[name]:
		return name
	case u.accepted.IsZero(), len(m.models) >= maxModels, len(name) > 200, strings.HasPrefix(name, "/"), strings.HasPrefix(name, "file:"):
		return otherName
	}
	m.models[name] = true
	return name
}
