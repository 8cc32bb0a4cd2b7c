package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/openai"
)

// Options are the handler's times. Zero values mean the default.
type Options struct {
	// Keepalive is how often a silent stream gets a comment, so that a client whose machine vanished is noticed.
	Keepalive time.Duration // 5 s
	// ReadBody is what a client has to send its request.
	ReadBody time.Duration // 10 s
	// WriteStall is how long a client may leave a write unread before it counts as gone. A person may be reading
	// in a pager, so it is generous; what fits into socket buffers needs no reader at all.
	WriteStall time.Duration // 60 s
	// Models lists what this machine has, for OpenAI's /v1/models; what workers have loaded is added. May be nil.
	Models func(ctx context.Context) ([]ModelInfo, error)
	// SpansWait bounds the collection of spans after an answer.
	SpansWait time.Duration // 1 s
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Keepalive, 5*time.Second)
	set(&o.ReadBody, 10*time.Second)
	set(&o.WriteStall, 60*time.Second)
	set(&o.SpansWait, time.Second)
	return o
}

type gateway struct {
	backend     Backend
	options     Options
	fingerprint string // OpenAI's system_fingerprint
}

// Handler returns the whole interface over b.
func Handler(b Backend, o Options) http.Handler {
	g := &gateway{backend: b, options: o.withDefaults(), fingerprint: "rbee-" + b.Info().Version}
	mux := http.NewServeMux()
	for _, r := range g.routes() {
		mux.HandleFunc(r.pattern, r.serve)
	}
	mux.HandleFunc("/", unknown)
	return g.hurry(mux)
}

// hurry gives every request a time to arrive. It stays in force for one that is refused unread: net/http reads the
// rest of its body after the handler, without a limit of its own.
func (g *gateway) hurry(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A transport without deadlines refuses this; it is one of ours, with a lease of its own.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.options.ReadBody))
		h.ServeHTTP(w, r)
	})
}

// NewServer returns a server for h with the limits that keep slow and silent clients from holding connections. It
// has no write limit: an answer takes as long as it takes, and the handler watches its own writes.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}

func (g *gateway) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !g.backend.Cancel(id) {
		writeError(w, noRequest(id))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *gateway) workers(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, api.Workers{Workers: rows(g.backend.Workers())})
}

func (g *gateway) nodes(w http.ResponseWriter, _ *http.Request) {
	n := api.Nodes{Nodes: []api.Node{}}
	for _, s := range g.backend.Nodes() {
		n.Nodes = append(n.Nodes, api.Node(s))
	}
	writeJSON(w, n)
}

func (g *gateway) version(w http.ResponseWriter, _ *http.Request) {
	i := g.backend.Info()
	writeJSON(w, api.Version{Version: i.Version, PID: i.PID, Ephemeral: i.Ephemeral, Started: i.Started})
}

func (g *gateway) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"status": "ok"})
}

func unknown(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1" || strings.HasPrefix(r.URL.Path, "/v1/") {
		openai.WriteErrorStatus(w, http.StatusNotFound, fault.New(fault.InvalidRequest, "nothing answers %s %q", r.Method, r.URL.Path).
			WithHint("the routes are POST /v1/chat/completions, POST /v1/completions, POST /v1/embeddings, GET /v1/models and GET /v1/models/{id}"))
		return
	}
	writeErrorStatus(w, http.StatusNotFound, fault.New(fault.InvalidRequest, "nothing answers %s %q", r.Method, r.URL.Path).
		WithHint("OpenAI's routes are below /v1, GET /v1/models for one; rbee's own are below /rbee/v1; GET /openapi.json lists them all"))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; there is nobody else to tell
}
