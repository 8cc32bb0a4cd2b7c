package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// ErrNoRoute is returned for a target that no living link leads to.
var ErrNoRoute = errors.New("no route")

// Router is one process's place in the tree: a link up, links down, and streams that arrive here or pass through.
type Router struct {
	address string
	refused func(from, why string)

	mu       sync.RWMutex
	up       *lane
	down     map[string]*lane
	services map[Service]func(c net.Conn, origin string)
}

// NewRouter makes the router of the process with that address. refused is told of every stream that was not
// allowed; it may be nil.
func NewRouter(address string, refused func(from, why string)) *Router {
	if refused == nil {
		refused = func(string, string) {}
	}
	return &Router{address: address, refused: refused, down: map[string]*lane{}, services: map[Service]func(net.Conn, string){}}
}

// Address is this process's own.
func (r *Router) Address() string { return r.address }

// Handle sets who takes the streams of a service that end here. The handler owns the connection.
func (r *Router) Handle(s Service, h func(c net.Conn, origin string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services[s] = h
}

// Session is the multiplexed byte stream of one link.
type Session struct {
	y     *yamux.Session
	close func()
}

// Closed is closed when the link is over: the peer closed it, the stream broke, or the lease ran out.
func (s *Session) Closed() <-chan struct{} { return s.y.CloseChan() }

// Close ends the session and the byte stream under it. It may block for as long as a blocked write does; call it
// from a goroutine of its own.
func (s *Session) Close() { s.close() }

// AttachDown joins the link to a child of that address. lease bounds how long a silent child counts as alive.
func (r *Router) AttachDown(address string, c io.ReadWriteCloser, lease time.Duration) (*Session, error) {
	y, err := yamux.Client(&oneWrite{ReadWriteCloser: c}, sessionConfig(lease))
	if err != nil {
		return nil, err
	}
	l := newLane(y)
	r.mu.Lock()
	r.down[address] = l // before the child can speak
	r.mu.Unlock()
	go func() {
		r.serve(l, address)
		r.mu.Lock()
		delete(r.down, address)
		r.mu.Unlock()
	}()
	return newSession(l, c), nil
}

// AttachUp joins the link to the owner. lease bounds how long a silent owner counts as alive.
func (r *Router) AttachUp(c io.ReadWriteCloser, lease time.Duration) (*Session, error) {
	y, err := yamux.Server(&oneWrite{ReadWriteCloser: c}, sessionConfig(lease))
	if err != nil {
		return nil, err
	}
	l := newLane(y)
	r.mu.Lock()
	r.up = l
	r.mu.Unlock()
	go r.serve(l, "")
	return newSession(l, c), nil
}

func newSession(l *lane, c io.Closer) *Session {
	// The stream first: a yamux session that waits for a frozen peer only ends when the descriptors do.
	return &Session{y: l.Session, close: sync.OnceFunc(func() { l.end(); c.Close(); l.Close() })}
}

// Open opens a stream to target, which may be any process of the tree.
func (r *Router) Open(target string, s Service) (net.Conn, error) {
	return r.open(target, r.address, s)
}

func (r *Router) open(target, origin string, svc Service) (net.Conn, error) {
	l, err := r.next(target)
	if err != nil {
		return nil, err
	}
	s, err := l.OpenStream()
	if err != nil {
		return nil, fmt.Errorf("%w to %s: %w", ErrNoRoute, target, err)
	}
	if err := (preamble{svc, target, origin}).write(s); err != nil {
		s.Close()
		return nil, fmt.Errorf("%w to %s: %w", ErrNoRoute, target, err)
	}
	return l.stream(s), nil
}

// next is the link whose address is a prefix of the target, else the link up.
func (r *Router) next(target string) (*lane, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !Within(target, r.address) {
		if r.up == nil || r.up.IsClosed() {
			return nil, fmt.Errorf("%w to %s", ErrNoRoute, target)
		}
		return r.up, nil
	}
	for a, l := range r.down {
		if Within(target, a) && !l.IsClosed() {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%w to %s", ErrNoRoute, target)
}

// serve accepts the streams of one link; below is the child's address, "" for the owner.
func (r *Router) serve(l *lane, below string) {
	for {
		s, err := l.AcceptStream()
		if err != nil {
			l.end() // it is over, whoever ended it
			return
		}
		go r.accept(l.stream(s), below)
	}
}

func (r *Router) accept(c net.Conn, below string) {
	_ = c.SetReadDeadline(time.Now().Add(preambleTime))
	p, err := readPreamble(c)
	if err != nil {
		r.refused(below, err.Error())
		c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	if why := r.allowStream(p, below); why != "" {
		r.refused(below, why)
		c.Close()
		return
	}
	if p.target == r.address {
		r.mu.RLock()
		h := r.services[p.service]
		r.mu.RUnlock()
		if h == nil {
			c.Close()
			return
		}
		h(c, p.origin)
		return
	}
	out, err := r.open(p.target, p.origin, p.service)
	if err != nil {
		c.Close()
		return
	}
	splice(c, out)
}

// allowStream is the check at every hop. A child speaks only for its own subtree and only to processes above
// itself; the owner speaks for nobody below me and only to me or below. Nobody but the owner reaches the API, and a loan
// is between a child and its owner.
func (r *Router) allowStream(p preamble, below string) string {
	if below != "" {
		if !Within(p.origin, below) {
			return "a stream in the name of " + p.origin
		}
		if !Within(p.origin, p.target) || Within(p.target, below) {
			return "a stream to " + p.target
		}
		if p.service == ServiceLoans && p.target == r.address && p.origin == below {
			return ""
		}
		if p.service != ServiceActors {
			return fmt.Sprintf("a stream of service %d", p.service)
		}
		return ""
	}
	if Within(p.origin, r.address) {
		return "a stream from above in the name of " + p.origin
	}
	if !Within(p.target, r.address) {
		return "a stream from above to " + p.target
	}
	return ""
}
