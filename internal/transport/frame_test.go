package transport

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/hashicorp/yamux"

	"rbee/messages"
)

// noted keeps what is written through it, write by write.
type noted struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
}

func (c *noted) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, bytes.Clone(b))
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func TestAFrameIsOneWriteAndArrivesWhole(t *testing.T) {
	a, b := net.Pipe()
	c := &noted{Conn: a}
	client, err1 := yamux.Client(&oneWrite{ReadWriteCloser: c}, sessionConfig(time.Minute))
	server, err2 := yamux.Server(&oneWrite{ReadWriteCloser: b}, sessionConfig(time.Minute))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	defer client.Close()
	defer server.Close()
	// Below the bound, at it, above it, and more than a frame holds.
	sizes := []int{1, 100, worthJoining, worthJoining + 1, 300_000}
	var all strings.Builder
	for i, n := range sizes {
		all.WriteString(strings.Repeat(string(rune('a'+i)), n))
	}
	go func() {
		out, err := client.OpenStream()
		for rest := all.String(); err == nil && len(sizes) > 0; sizes = sizes[1:] {
			_, err = io.WriteString(out, rest[:sizes[0]])
			rest = rest[sizes[0]:]
		}
		if err != nil {
			t.Error(err)
		}
		out.Close()
	}()
	in, err := server.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(in)
	if err != nil || string(got) != all.String() {
		t.Errorf("%d bytes arrive of %d, or other ones; %v", len(got), all.Len(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	small := 0
	for i, w := range c.writes {
		if len(w) == frameHeader && w[1] == frameData && i+1 < len(c.writes) && len(c.writes[i+1]) <= worthJoining {
			t.Errorf("write %d is a header alone, its body of %d bytes comes after it", i, len(c.writes[i+1]))
		}
		if len(w) == frameHeader+1 || len(w) == frameHeader+100 || len(w) == frameHeader+worthJoining {
			small++
		}
	}
	if small < 3 {
		t.Errorf("%d frames of the sizes that are joined were written at once, want 3", small)
	}
}

func TestAFrameThatCannotBeWrittenIsAnError(t *testing.T) {
	a, b := net.Pipe()
	b.Close()
	w := &oneWrite{ReadWriteCloser: a}
	header := make([]byte, frameHeader)
	header[frameHeader-1] = 3
	if n, err := w.Write(header); n != frameHeader || err != nil {
		t.Errorf("the header: %d, %v", n, err)
	}
	if _, err := w.Write([]byte("abc")); err == nil {
		t.Error("it was written to a closed pipe")
	}
}

func TestAMessageUpIsNotAnsweredByFramesDown(t *testing.T) {
	endpoint := func(address string) *Endpoint {
		e, err := NewEndpoint(address, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	above, below := endpoint(owner), endpoint(sibling)
	a, b := net.Pipe()
	c := &noted{Conn: a}
	down, err1 := above.AttachDown(sibling, c, time.Minute)
	up, err2 := below.AttachUp(b, time.Minute)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	t.Cleanup(func() { up.Close(); down.Close() })
	got := make(chan int64)
	reader, err := above.System.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*messages.Tokens); ok {
			got <- m.GetSeq()
		}
	}), StreamPrefix+"secret")
	if err != nil {
		t.Fatal(err)
	}
	send := func(n int64) {
		below.System.Root.Send(actor.NewPID(owner, reader.Id), &messages.Tokens{Id: "r", Seq: n, Pieces: []string{"one", " word"}})
		select {
		case seq := <-got:
			if seq != n {
				t.Fatalf("message %d came, want %d", seq, n)
			}
		case <-time.After(patience):
			t.Fatalf("message %d did not come", n)
		}
	}
	const opening, all = 10, 100
	before := 0
	for n := range int64(all) {
		if n == opening { // the stream is open, and what there is to agree on is agreed
			c.mu.Lock()
			before = len(c.writes)
			c.mu.Unlock()
		}
		send(n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.writes) - before; n > 5 {
		t.Errorf("%d messages up were answered by %d frames down", all-opening, n)
	}
}
