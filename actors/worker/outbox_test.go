package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the reply stream behind an outbox; it runs in a bubble of fake time.
type client struct {
	*outbox
	began time.Time
	t     *testing.T

	mu   sync.Mutex
	got  []string // "milliseconds: pieces"
	next int64
}

func newClient(t *testing.T, last, credit int64) *client {
	c := &client{began: time.Now(), t: t}
	c.outbox = newOutbox(&messages.Accepted{Id: "r"}, last, credit, func(m proto.Message) {
		switch m := m.(type) {
		case *messages.Accepted:
			c.hears("", m, nil)
		case *messages.Prefill:
			c.hears(fmt.Sprintf(" prefill %d", m.GetDone()), nil, nil)
		case *messages.Tokens:
			c.hears("", m.GetAccepted(), m)
		}
	})
	return c
}

// hears is one message: what there is of accepted and pieces in it.
func (c *client) hears(kind string, a *messages.Accepted, m *messages.Tokens) {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := fmt.Sprintf("%d:", time.Since(c.began).Milliseconds())
	if a != nil {
		said += " accepted"
		if p := a.GetPrefill(); p != nil {
			said += fmt.Sprintf(" prefill %d", p.GetDone())
		}
	}
	if m != nil {
		if m.GetSeq() != c.next || len(m.GetPieces()) != len(m.GetIds()) || m.GetId() != "r" {
			c.t.Errorf("want piece %d next, got %v", c.next, m)
		}
		c.next += int64(len(m.GetPieces()))
		said += fmt.Sprintf(" %v", m.GetIds())
	}
	c.got = append(c.got, said+kind)
}

// ends is the message that ends the answer.
func (c *client) ends() {
	a, m := c.close()
	c.hears(" end", a, m)
}

func (c *client) puts(from, to int) {
	for i := from; i <= to; i++ {
		if err := c.put(context.Background(), piece{text: "x", id: int32(i)}); err != nil {
			c.t.Error(err)
		}
	}
}

// wants compares what was sent once nothing moves any more.
func (c *client) wants(want ...string) {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.got, want) {
		c.t.Errorf("got %q, want %q", c.got, want)
	}
}

func TestTheFirstPieceGoesAtOnceAndFastOnesGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 0, 100)
		c.puts(1, 1)
		c.wants("0: accepted [1]")
		time.Sleep(time.Millisecond)
		c.puts(2, 4)
		c.wants("0: accepted [1]")
		time.Sleep(gatherTime)
		c.wants("0: accepted [1]", "4: [2 3 4]")
		time.Sleep(time.Second)
		c.puts(5, 5) // a model that takes its time
		c.wants("0: accepted [1]", "4: [2 3 4]", "1005: [5]")
		c.close()
	})
}

func TestAnAnswerThatIsShortAndQuickIsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 1, 100)
		c.prefill(10, 20)
		c.prefill(20, 20)
		time.Sleep(gatherTime - 1)
		c.puts(1, 1)
		c.ends()
		time.Sleep(time.Second)
		c.wants("3: accepted prefill 20 [1] end")
	})
}

func TestWhatIsNotTheLastTokenGoesAtOnceAndTheLastWithTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 3, 100)
		c.puts(1, 1)
		c.wants("0: accepted [1]")
		c.puts(2, 3)
		c.ends()
		c.wants("0: accepted [1]", "0: [2 3] end")
	})
}

// An engine that thinks for long is no reason not to say that it thinks.
func TestAcceptedDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 1, 100)
		time.Sleep(time.Second)
		c.wants("4: accepted")
		c.prefill(10, 20)
		c.prefill(20, 20)
		c.puts(1, 1)
		c.ends()
		c.wants("4: accepted", "1000: prefill 10", "1000: prefill 20", "1000: [1] end")
	})
}

func TestNoMoreIsOnItsWayThanTheCreditAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 0, 2)
		c.puts(1, 5)
		time.Sleep(time.Second)
		c.wants("0: accepted [1 2]")
		c.grant(1)
		c.wants("0: accepted [1 2]", "1000: [3]")
		c.ends() // it is not held back
		c.wants("0: accepted [1 2]", "1000: [3]", "1000: [4 5] end")
	})
}

func TestAClientThatDoesNotReadStopsTheDecodingOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 0, 0)
		c.puts(1, maxHeld)
		ctx, cancel := context.WithCancel(t.Context())
		put := make(chan error, 2)
		blocked := func() {
			go func() { put <- c.put(ctx, piece{text: "x"}) }()
			if synctest.Wait(); len(put) != 0 {
				t.Fatal("it does not wait")
			}
		}
		blocked()
		c.grant(10)
		if err := <-put; err != nil {
			t.Error(err)
		}
		c.puts(1, 9)
		blocked()
		cancel()
		if err := <-put; err != context.Canceled {
			t.Errorf("%v", err)
		}
		c.close()
	})
}
