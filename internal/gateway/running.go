package gateway

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// watchTime is how often a watch looks: what changed meanwhile is told at once, as the state it came to.
const watchTime = 250 * time.Millisecond

// requests lists the requests that are not over; for a client that wants an event stream, each time they changed.
func (g *gateway) requests(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") && r.URL.Query().Get("watch") != "true" {
		writeJSON(w, g.running())
		return
	}
	out := newWriter(w, g.options.WriteStall)
	defer out.disarm()
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // from here on a read only waits for the client to leave
	tick := time.NewTicker(watchTime)
	defer tick.Stop()
	silence := time.Now()
	for last := []byte(nil); ; {
		now := api.AppendEvent(nil, api.KindRequests, g.running())
		switch {
		case !bytes.Equal(now, last):
			last = now
			out.buf = append(out.buf, now...)
		case time.Since(silence) >= g.options.Keepalive:
			out.buf = api.AppendKeepalive(out.buf)
		}
		if len(out.buf) > 0 {
			silence = time.Now()
			if out.flush() != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

func (g *gateway) running() api.Requests {
	all := api.Requests{Requests: []api.Request{}}
	for _, s := range g.backend.Running() {
		all.Requests = append(all.Requests, toRequest(s))
	}
	return all
}

func (g *gateway) request(w http.ResponseWriter, r *http.Request) {
	for _, s := range g.backend.Running() {
		if s.ID == r.PathValue("id") {
			writeJSON(w, toRequest(s))
			return
		}
	}
	writeError(w, noRequest(r.PathValue("id")))
}

func noRequest(id string) *fault.Error {
	return fault.New(fault.NotFound, "no request %q is running", id).WithHint("GET /rbee/v1/requests lists those that are")
}

func toRequest(s RequestState) api.Request {
	return api.Request{ID: s.ID, Model: s.Model, Node: s.Node, Tenant: s.Tenant, Worker: s.Worker, State: s.State, Position: s.Position,
		EtaMS: s.ETA.Milliseconds(), PromptTokens: s.PromptTokens, Tokens: s.Tokens, TokensPerSecond: finite(s.TokensPerSecond),
		Attempt: s.Attempt, Arrived: s.Arrived.UTC()}
}

// stop ends what is named, and answers when it is gone.
func (g *gateway) stop(w http.ResponseWriter, r *http.Request) {
	body, err := g.readBody(w, r)
	var req api.StopRequest
	if err == nil {
		err = parse(body, &req)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	grace := time.Duration(or(req.GraceMS, api.DefaultGraceMS)) * time.Millisecond
	s, err := g.backend.Stop(r.Context(), req.Target, grace)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, api.Stopped{Nodes: some(s.Nodes), Workers: some(s.Workers)})
}

// some is a list that JSON writes as one, also when it is empty.
func some(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
