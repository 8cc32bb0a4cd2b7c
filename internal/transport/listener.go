package transport

import (
	"net"
	"sync"
)

// Listener is a net.Listener of the streams of one service, for servers that want one.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	close func()
}

// Listen takes the streams of a service that end here.
func (r *Router) Listen(s Service) *Listener {
	l := &Listener{conns: make(chan net.Conn), done: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.done) })
	r.Handle(s, func(c net.Conn, origin string) {
		select {
		case l.conns <- from{c, linkAddr(origin)}:
		case <-l.done:
			c.Close()
		}
	})
	return l
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error { l.close(); return nil }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return linkAddr("") }

// from is a stream whose RemoteAddr is the address of the process that it comes from, which every hop has vouched for.
type from struct {
	net.Conn
	origin linkAddr
}

func (f from) RemoteAddr() net.Addr { return f.origin }

// linkAddr is the address of a process, "" that of a listener.
type linkAddr string

func (linkAddr) Network() string  { return "link" }
func (a linkAddr) String() string { return string(a) }
