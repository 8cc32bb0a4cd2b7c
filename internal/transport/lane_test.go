package transport

import (
	"io"
	"net"
	"testing"
	"time"
)

// gentle is a byte stream whose Close leaves a pending Read alone, as that of a program on another machine does until
// the program has exited.
type gentle struct {
	net.Conn
	exited chan struct{}
}

func (g gentle) Close() error { return nil }

func (g gentle) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if err != nil {
		<-g.exited
	}
	return n, err
}

// A read that neither returns nor waits, but turns in a circle, is what yamux makes of it.
func TestAReadEndsWithItsLinkAndNotWithThePeersLastByte(t *testing.T) {
	for name, over := range map[string]func(*Session, net.Conn){
		"closed here":   func(s *Session, _ net.Conn) { go s.Close() },
		"lease is over": func(*Session, net.Conn) {}, // the peer never says a word
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			defer there.Close()
			go io.Copy(io.Discard, there)
			g := gentle{here, make(chan struct{})}
			defer here.Close()
			defer close(g.exited)
			r := NewRouter("a.1", nil)
			session, err := r.AttachDown("a.1~b.1", g, 300*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Open("a.1~b.1", ServiceActors)
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			over(session, there)
			select {
			case err := <-read:
				if err == nil {
					t.Error("it read something")
				}
			case <-time.After(10 * time.Second):
				t.Error("it is still reading")
			}
		})
	}
}
