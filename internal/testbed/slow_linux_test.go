package testbed

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// transfer sends n bytes to what discards and answers with n bytes, and returns how long each way took.
func transfer(t *testing.T, c net.Conn, n int) (to, from time.Duration) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	began := time.Now()
	if _, err := c.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	to = time.Since(began)
	if _, err := io.ReadFull(c, make([]byte, n-1)); err != nil {
		t.Fatal(err)
	}
	return to, time.Since(began) - to
}

const size = 1_000_000

func sink(t *testing.T, h *Host) string {
	return serve(t, h, fmt.Sprintf(`$n = 0; while ($n < %[1]d) { $n += sysread $c, $b, 65536 } syswrite $c, "x" x %[1]d`, size))
}

func TestARateIsKeptBothWays(t *testing.T) {
	h := hosts(t).Host("h1")
	addr := sink(t, h)
	const rate = 20_000_000
	if err := h.Slow(Line{Rate: rate}); err != nil {
		t.Fatal(err)
	}
	// The best of three: a busy machine can make a line slower, and nothing may make it faster.
	best := map[string]float64{}
	for try := 0; try < 3 && min(best["to"], best["from"]) < 0.9*rate; try++ {
		to, from := transfer(t, dial(t, addr), size)
		for way, took := range map[string]time.Duration{"to": to, "from": from} {
			best[way] = max(best[way], size*8/took.Seconds())
		}
	}
	for way, got := range best {
		if got < 0.8*rate || got > 1.2*rate {
			t.Errorf("%s the host: %.1f Mbit/s, want %d", way, got/1e6, rate/1_000_000)
		}
	}
	if err := h.Heal(); err != nil {
		t.Fatal(err)
	}
	if to, from := transfer(t, dial(t, addr), size); to+from > 600*time.Millisecond {
		t.Errorf("healed, and %d bytes take %v and %v", size, to, from)
	}
}

func TestADelayIsTwiceInARoundTrip(t *testing.T) {
	h := hosts(t).Host("h1")
	c := dial(t, echo(t, h))
	if err := h.Slow(Line{Delay: 40 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	// The best of five: a busy machine can only add to it.
	roundTrip := func() time.Duration {
		best := time.Hour
		for range 5 {
			began := time.Now()
			if err := ask(c, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(began))
		}
		return best
	}
	if best := roundTrip(); best < 80*time.Millisecond || best > 100*time.Millisecond {
		t.Errorf("a round trip takes %v, want 80 ms", best)
	}
	if err := h.Heal(); err != nil {
		t.Fatal(err)
	}
	if best := roundTrip(); best > 40*time.Millisecond {
		t.Errorf("healed, and a round trip takes %v", best)
	}
}

var retransmitted = regexp.MustCompile(`retrans:\d+/(\d+)`)

func TestALostPacketIsSentAgain(t *testing.T) {
	h := hosts(t).Host("h1")
	addr := sink(t, h)
	again := func() int {
		c := dial(t, addr)
		transfer(t, c, size)
		m := retransmitted.FindStringSubmatch(must(tool("", "ss", "-tiHn", "dst", h.Addr, "and", "sport", port4(c)))(t))
		if m == nil {
			return 0
		}
		return must(strconv.Atoi(m[1]))(t)
	}
	// A busy machine makes TCP send again what is only late, so one of three tries has to be as it should.
	within := func(least, most int) {
		t.Helper()
		var seen []int
		for range 3 {
			n := again()
			if seen = append(seen, n); n >= least && n <= most {
				return
			}
		}
		t.Errorf("%d packets sent again, want %d to %d", seen, least, most)
	}
	within(0, 5)
	if err := h.Slow(Line{Loss: 0.05}); err != nil {
		t.Fatal(err)
	}
	within(10, 200) // of some 690
}

func TestASlowLineCanBeCutAndHealed(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{})
	h := b.Host("h1")
	c := dial(t, echo(t, h))
	if err := h.Slow(Line{Rate: 10_000_000, Delay: 5 * time.Millisecond, Loss: 0.001}); err != nil {
		t.Fatal(err)
	}
	for _, how := range []How{DropBoth, LinkDown} {
		if err := h.Cut(how); err != nil {
			t.Fatal(err)
		}
		if err := ask(c, silence); err == nil {
			t.Errorf("%v: it answers", how)
		}
	}
	if err := h.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := ask(c, 10*time.Second); err != nil {
		t.Error(err)
	}
	if err := h.Slow(Line{Delay: time.Hour}); err == nil {
		t.Error("an hour is no delay")
	}
}
