package transport

import (
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// icy is a stream that can freeze: then nothing passes, and nobody is told.
type icy struct {
	net.Conn
	frozen chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (c *icy) pass() error {
	select {
	case <-c.frozen:
		<-c.closed
		return io.ErrClosedPipe
	default:
		return nil
	}
}

func (c *icy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if frozen := c.pass(); frozen != nil {
		return 0, frozen
	}
	return n, err
}

func (c *icy) Write(b []byte) (int, error) {
	if err := c.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *icy) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// alone runs f in a bubble of fake time, in a process of its own: yamux keeps its timers in a global pool, and a
// timer that was made in a bubble must not leave it.
func alone(t *testing.T, f func(*testing.T)) {
	t.Helper()
	const env = "RBEE_TEST_ALONE"
	if os.Getenv(env) != "" {
		synctest.Test(t, f)
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), env+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A peer that is frozen at any moment is declared dead within the lease, and not before half of it: a short pause is
// no death.
func TestASilentPeerIsNoticedWithinTheLease(t *testing.T) {
	alone(t, func(t *testing.T) {
		for _, lease := range []time.Duration{time.Second, 10 * time.Second} {
			for _, after := range []time.Duration{0, lease / 10, lease / 3, lease * 9 / 10, 10 * lease} {
				if took := noticed(t, lease, after); took > lease || took < lease/2 {
					t.Errorf("lease %v, frozen after %v: noticed after %v", lease, after, took)
				}
			}
		}
	})
}

// noticed returns how long a peer is frozen until its owner declares it dead.
func noticed(t *testing.T, lease, after time.Duration) time.Duration {
	a, b := net.Pipe()
	peer := &icy{Conn: b, frozen: make(chan struct{}), closed: make(chan struct{})}
	down, err1 := NewRouter(theQueen, nil).AttachDown(theHive, a, lease)
	up, err2 := NewRouter(theHive, nil).AttachUp(peer, 1000*lease)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	defer up.Close()
	defer down.Close()
	time.Sleep(after)
	select {
	case <-down.Closed():
		t.Error("a living peer was declared dead")
	default:
	}
	close(peer.frozen)
	began := time.Now()
	<-down.Closed()
	return time.Since(began)
}

func TestWhoOpensAStreamAndSaysNothingIsHeardForAWhileOnly(t *testing.T) {
	alone(t, func(t *testing.T) {
		refused := make(chan string, 1)
		queen, hive := NewRouter(theQueen, func(from, why string) { refused <- from }), NewRouter(theHive, nil)
		down, up := join(t, queen, hive)
		began := time.Now()
		s, err := hive.up.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("Rb")); err != nil {
			t.Fatal(err)
		}
		if from := <-refused; from != theHive || time.Since(began) != preambleTime {
			t.Errorf("refused from %q after %v", from, time.Since(began))
		}
		up.Close()
		down.Close()
	})
}
