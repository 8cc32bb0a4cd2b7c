package queen

import (
	"cmp"
	"slices"
	"time"

	"rbee/internal/gateway"
	"rbee/messages"
)

// view is what anybody may know of a request, kept from the events that its client gets.
type view struct {
	state gateway.RequestState
	first time.Time // token
	last  time.Time
}

func (v *view) begin(g *messages.Generate) {
	v.state = gateway.RequestState{ID: g.GetId(), Model: g.GetModel().GetRef(), Node: g.GetNode(), Tenant: g.GetTenant(), State: "waiting",
		Attempt: g.GetAttempt(), Arrived: time.Now()}
}

// again: its worker was lost, and it is sent out once more.
func (v *view) again(attempt int64) {
	v.state.State, v.state.Attempt, v.state.Worker = "waiting", attempt, ""
}

func (v *view) see(e gateway.Event) {
	s := &v.state
	switch {
	case e.Queued != nil:
		s.State, s.Position, s.ETA = "queued", e.Queued.GetPosition(), max(0, time.Duration(e.Queued.GetEtaMs())*time.Millisecond)
	case e.Accepted != nil:
		s.State, s.Worker, s.Position, s.ETA = "prefill", e.Accepted.GetWorker(), 0, 0
	case e.Prefill != nil:
		s.PromptTokens = e.Prefill.GetTotal()
	case e.Tokens != nil:
		v.last = time.Now()
		if s.State != "decoding" {
			s.State = "decoding"
		}
		if v.first.IsZero() {
			v.first = v.last
		}
		s.Tokens += int64(len(e.Tokens.GetPieces()))
	}
}

// read returns the state with the speed until now.
func (v *view) read() gateway.RequestState {
	s := v.state
	if took := v.last.Sub(v.first); s.Tokens > 1 && took > 0 {
		s.TokensPerSecond = float64(s.Tokens-1) / took.Seconds()
	}
	return s
}

// Running implements gateway.Backend.
func (b *Backend) Running() []gateway.RequestState {
	b.mu.Lock()
	streams := make([]*stream, 0, len(b.streams))
	for _, s := range b.streams {
		streams = append(streams, s)
	}
	b.mu.Unlock()
	all := make([]gateway.RequestState, 0, len(streams))
	for _, s := range streams {
		s.mu.Lock()
		r := s.view.read()
		s.mu.Unlock()
		if w, ok := b.registry.Get(r.Worker); ok {
			r.Node = w.GetNode()
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b gateway.RequestState) int {
		return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.ID, b.ID))
	})
	return all
}
