package guard

import (
	"context"
	"net/http"
	"sync"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/keys"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// Meter sees every request that reaches the tree: it counts it, and charges it to the key that made it.
type Meter struct {
	count *telemetry.Metrics
	known func(node string) bool

	mu      sync.Mutex
	tenants map[string]*tenant // by the key's name
	uses    map[*use]struct{}
	models  map[string]bool // that have a name in the metrics
}

// NewMeter returns a meter; count may be nil. known says which nodes a request that came with a key may name.
func NewMeter(count *telemetry.Metrics, known func(node string) bool) *Meter {
	return &Meter{count: count, known: known, tenants: map[string]*tenant{}, uses: map[*use]struct{}{}, models: map[string]bool{}}
}

// maxTenants is when names of keys that are no more are forgotten.
const maxTenants = 4096

// know takes over what a key says.
func (m *Meter) know(k keys.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenants[k.Name]
	if t == nil {
		if len(m.tenants) >= maxTenants {
			for name, old := range m.tenants {
				if old.running == 0 {
					delete(m.tenants, name)
				}
			}
		}
		t = &tenant{}
		m.tenants[k.Name] = t
	}
	t.limit(k)
}

// enter begins a request of a tenant; leave ends it.
func (m *Meter) enter(name string, h http.Header, now time.Time) (leave func(), f *fault.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenants[name]
	if f := t.enter(h, now); f != nil {
		return nil, f
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		t.running--
	}, nil
}

// now is how many requests a worker has, and how many wait.
func (m *Meter) now() (running, waiting int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for u := range m.uses {
		if u.accepted.IsZero() {
			waiting++
		} else {
			running++
		}
	}
	return running, waiting
}

// Now is how many requests a worker has, and how many wait for one.
func (m *Meter) Now() (running, waiting int64) {
	r, w := m.now()
	return int64(r), int64(w)
}

// mayEnd reports whether a tenant may see and end the request of that id: a key's are its own. Who came without a key
// is the user of this machine, whose all of them are.
func (m *Meter) mayEnd(name, id string) bool {
	if name == "" {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for u := range m.uses {
		if u.g.GetId() == id {
			return u.tenant != nil && u.tenant == m.tenants[name]
		}
	}
	return true // there is none, which the API says
}

// Backend is b with every request metered, and held to the models that its key may name.
func (m *Meter) Backend(b gateway.Backend) gateway.Backend { return metered{b, m} }

type metered struct {
	gateway.Backend
	m *Meter
}

func (b metered) Submit(ctx context.Context, g *messages.Generate) (gateway.Stream, error) {
	caller := gateway.CallerOf(ctx)
	if err := bounded(caller, g, b.m.known); err != nil {
		return nil, err
	}
	if g.GetPlanOnly() {
		return b.Backend.Submit(ctx, g)
	}
	u := b.m.begin(caller.Tenant, g)
	s, err := b.Backend.Submit(ctx, g)
	if err != nil {
		u.end(string(fault.CodeOf(err)), nil)
		return nil, err
	}
	// A client that leaves does not read its stream to the end.
	stays := context.AfterFunc(ctx, func() { u.end(string(fault.Cancelled), nil) })
	return meteredStream{s, u, stays}, nil
}

type meteredStream struct {
	gateway.Stream
	u     *use
	stays func() bool // the client has all of it: its leaving is no news
}

func (s meteredStream) Next(ctx context.Context) (gateway.Event, error) {
	e, err := s.Stream.Next(ctx)
	if err == nil {
		s.u.see(e)
		if e.Done != nil || e.Failed != nil {
			s.stays()
		}
	}
	return e, err
}

func (s meteredStream) Cancel(reason string) {
	s.u.end(string(fault.Cancelled), nil)
	s.Stream.Cancel(reason)
}
