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

func newClient(t *testing.T, credit int64) *client {
	c := &client{began: time.Now(), t: t}
	c.outbox = newOutbox("r", credit, func(m *messages.Tokens) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if m.GetSeq() != c.next || len(m.GetPieces()) != len(m.GetIds()) || m.GetId() != "r" {
			t.Errorf("want piece %d next, got %v", c.next, m)
		}
		c.next += int64(len(m.GetPieces()))
		c.got = append(c.got, fmt.Sprintf("%d: %v", time.Since(c.began).Milliseconds(), m.GetIds()))
	})
	return c
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
		c := newClient(t, 100)
		c.puts(1, 1)
		c.wants("0: [1]")
		time.Sleep(time.Millisecond)
		c.puts(2, 4)
		c.wants("0: [1]")
		time.Sleep(gatherTime)
		c.wants("0: [1]", "4: [2 3 4]")
		time.Sleep(time.Second)
		c.puts(5, 5) // a model that takes its time
		c.wants("0: [1]", "4: [2 3 4]", "1005: [5]")
		c.close()
	})
}

func TestNoMoreIsOnItsWayThanTheCreditAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 2)
		c.puts(1, 5)
		time.Sleep(time.Second)
		c.wants("0: [1 2]")
		c.grant(1)
		c.wants("0: [1 2]", "1000: [3]")
		c.close() // the end of an answer is not held back
		c.wants("0: [1 2]", "1000: [3]", "1000: [4 5]")
	})
}

func TestAClientThatDoesNotReadStopsTheDecodingOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, 0)
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
