package testbed

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echo starts a program on the host that sends back what it gets, and returns its address.
func echo(t *testing.T, h *Host) string {
	return serve(t, h, `while (sysread $c, $b, 65536) { syswrite $c, $b }`)
}

// serve starts a program on the host that does that with every connection $c, and returns its address.
func serve(t *testing.T, h *Host, what string) string {
	t.Helper()
	c := h.Command("bee", "perl", "-MIO::Socket::INET", "-e", `$| = 1;
		$l = IO::Socket::INET->new(LocalPort => 7007, Listen => 9, ReuseAddr => 1) or die; print "up\n";
		while ($c = $l->accept) { next if fork; `+what+`; exit }`)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Kill(Named("perl"))
		c.Wait()
	})
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(h.Addr, "7007")
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends a byte and waits for it to come back.
func ask(c net.Conn, limit time.Duration) error {
	c.SetDeadline(time.Now().Add(limit))
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// silence is how long a connection must say nothing to count as cut.
const silence = 300 * time.Millisecond

func TestACutConnectionIsSilentAndGoesOnWhenHealed(t *testing.T) {
	t.Parallel()
	h := hosts(t).Host("h1")
	addr := echo(t, h)
	for _, how := range []How{LinkDown, DropIn, DropOut, DropBoth} {
		t.Run(how.String(), func(t *testing.T) {
			c := dial(t, addr)
			if err := ask(c, 5*time.Second); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := h.Cut(how); err != nil {
				t.Fatal(err)
			}
			if err := ask(c, silence); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("cut: %v, want silence", err)
			}
			if d, err := net.DialTimeout("tcp", addr, silence); err == nil {
				d.Close()
				t.Error("a new connection is taken")
			} else if errors.Is(err, unix.ECONNREFUSED) {
				t.Error("a new connection is refused, and should not be answered")
			}
			if err := h.Heal(); err != nil {
				t.Fatal(err)
			}
			if err := ask(c, 10*time.Second); err != nil {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

// What tells the directions apart: the byte that was asked reaches the host, or it does not.
func TestAOneWayCutLetsTheOtherWayThrough(t *testing.T) {
	t.Parallel()
	h := hosts(t).Host("h1")
	addr := echo(t, h)
	for how, want := range map[How]uint64{DropIn: 0, DropOut: 1} {
		c := dial(t, addr)
		if err := ask(c, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := h.Cut(how); err != nil {
			t.Fatal(err)
		}
		ask(c, silence)
		counters := must(h.Exec("ss", "-tiHn", "sport", "7007", "and", "dport", port4(c)))(t)
		if !strings.Contains(counters, "bytes_received:"+[]string{"1 ", "2 "}[want]) {
			t.Errorf("%v: want %d more bytes than 1 to reach the host: %s", how, want, counters)
		}
		if err := h.Heal(); err != nil {
			t.Fatal(err)
		}
	}
}

func port4(c net.Conn) string {
	_, p, _ := net.SplitHostPort(c.LocalAddr().String())
	return p
}

func TestAResetReachesAnIdleConnectionAtOnce(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	addr := echo(t, h)
	c := dial(t, addr)
	if err := ask(c, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := h.Cut(RST); err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the idle connection: %v, want ECONNRESET", err)
	}
	if d, err := net.DialTimeout("tcp", addr, 5*time.Second); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a new connection: %v %v, want ECONNREFUSED", d, err)
	}
	if out, err := h.Exec("perl", "-MIO::Socket::INET", "-e", `IO::Socket::INET->new(PeerAddr=>"`+b.net.address(controlHost).String()+`", PeerPort=>9, Timeout=>5) or die "$!"`); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("out of the host: %v %v, want refused", out, err)
	}
	if err := h.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := ask(dial(t, addr), 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestACutLeavesTheNeighboursAlone(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{})
	if err := b.Host("h1").Cut(DropBoth); err != nil {
		t.Fatal(err)
	}
	if got := ssh(t, b, "h2", "hostname"); got != "h2" {
		t.Errorf("%q", got)
	}
}
