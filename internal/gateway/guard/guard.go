package guard

import (
	"net/http"
	"strings"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/keys"
)

// Door is one way in.
type Door struct {
	Socket   bool     // only this user can open it
	Loopback bool     // only this machine can reach it
	Names    []string // by which clients call it, beside the address they connected to
}

// Settings are what the user can change while the queen runs.
type Settings struct {
	RequireKeys    bool // on loopback too
	AllowedHosts   []string
	AllowedOrigins []string
}

// Options are what a guard looks at. The functions are called for each request, from many goroutines.
type Options struct {
	Settings func() Settings
	Keys     func() keys.Set
	State    *State
	Meter    *Meter
	Metrics  http.Handler // of /metrics; nil = there is none
	Status   func() api.Status
	// Receipt blocks until the queen has stopped and returns what became of its processes. Only the socket has it.
	Receipt func(stopped <-chan struct{}) (api.Receipt, bool)
}

// Guard is the part that all doors share.
type Guard struct {
	Options
	cors corsCache
}

// New returns a guard.
func New(o Options) *Guard { return &Guard{Options: o} }

// Handler is next behind door.
func (g *Guard) Handler(door Door, next http.Handler) http.Handler {
	h := g.limited(next)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rbee/v1/status", g.status)
	if g.Metrics != nil {
		mux.Handle("GET /metrics", g.Metrics)
	}
	if door.Socket && g.Receipt != nil {
		mux.HandleFunc("GET /rbee/v1/receipt", g.receipt)
	}
	mux.Handle("/", h)
	inner := g.identified(door, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := gateway.CallerOf(r.Context()).Tenant; name != "" && !keyMay(r) {
			denyStatus(w, r, http.StatusForbidden, notForKeys(r, name))
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !door.Socket && !g.fromHere(w, r, door) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		switch r.URL.Path { // nothing that a probe asks needs a key, or tells anything
		case "/readyz":
			g.readyz(w, r)
			return
		case "/healthz":
			next.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// maxBody bounds what any route may read; a route's own limit is lower.
const maxBody = 2 * api.MaxBodyBytes

// requests is where a running request is found, and ended.
const requests = "/rbee/v1/requests/"

// limited lets a request for work in if the queen takes work and the caller's key allows it. Requests for work are
// those with a body: the rest of the API looks things up, or ends them.
func (g *Guard) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := strings.CutPrefix(r.URL.Path, requests); ok && !g.Meter.mayEnd(gateway.CallerOf(r.Context()).Tenant, id) {
			denyStatus(w, r, http.StatusNotFound, fault.New(fault.InvalidRequest, "no request %q is running", short(id)))
			return
		}
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		if f := g.State.refusal(time.Now()); f != nil {
			deny(w, r, f)
			return
		}
		caller := gateway.CallerOf(r.Context())
		if caller.Tenant == "" {
			next.ServeHTTP(w, r)
			return
		}
		leave, f := g.Meter.enter(caller.Tenant, w.Header(), time.Now())
		if f != nil {
			deny(w, r, f)
			return
		}
		defer leave()
		next.ServeHTTP(w, r)
	})
}

func (g *Guard) readyz(w http.ResponseWriter, r *http.Request) {
	if f := g.State.refusal(time.Now()); f != nil {
		deny(w, r, f)
		return
	}
	writeJSON(w, map[string]string{"status": "ready"})
}

func (g *Guard) status(w http.ResponseWriter, _ *http.Request) {
	s := g.Status()
	s.State = g.State.word()
	s.Running, s.Waiting = g.Meter.now()
	writeJSON(w, s)
}

func (g *Guard) receipt(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a drain may take a while
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).Flush() // the asker knows now that it will hear of the end
	if rc, ok := g.Receipt(r.Context().Done()); ok {
		writeJSON(w, rc)
	}
}

// stopping is what a request hears that comes too late.
func stopping(left time.Duration) *fault.Error {
	return fault.New(fault.QueenStopping, "the queen is stopping and takes no new request").
		WithHint("ask again when it is back").With("retry_after_s", int(max(left.Round(time.Second), time.Second)/time.Second))
}
