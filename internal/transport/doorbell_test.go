package transport

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/messages"
)

// door is a doorbell with a listener that does what gRPC's server does.
type door struct {
	*doorbell
	came chan net.Conn
	errs chan error
}

func newDoor(t *testing.T) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{newDoorbell(), make(chan net.Conn, 10), make(chan error, 10)}
	d.addr = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				if v, info, err := d.ServerHandshake(c); err != nil {
					d.errs <- err
				} else if info.(Origin).Address == theHive {
					d.came <- v
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return d
}

func (d *door) knock(t *testing.T, with []byte) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, _ = c.Write(with)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func TestTheBellBringsTheStreamThatWaits(t *testing.T) {
	d := newDoor(t)
	a, b := net.Pipe()
	d.ring(a, theHive)
	if v := <-d.came; v != a {
		t.Errorf("%v came, want the stream itself", v)
	}
	if len(d.waiting) != 0 {
		t.Error("it still waits")
	}
	a.Close()
	b.Close()
}

func TestStrangersAreDroppedAndDisturbNobody(t *testing.T) {
	d := newDoor(t)
	a, _ := net.Pipe()
	d.waiting[1] = visitor{a, theHive}
	one := binary.BigEndian.AppendUint64(nil, 1)
	two := binary.BigEndian.AppendUint64(nil, 2)
	for name, with := range map[string][]byte{
		"no secret":      append(make([]byte, 32), one...),
		"nearly right":   append(append([]byte{d.secret[0] ^ 1}, d.secret[1:]...), one...),
		"no such stream": append(append([]byte(nil), d.secret[:]...), two...),
	} {
		c := d.knock(t, with)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || isTimeout(err) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		if err := <-d.errs; err == nil {
			t.Error(name)
		}
	}
	if len(d.waiting) != 1 || len(d.came) != 0 {
		t.Error("a stranger got the stream")
	}
	a.Close()
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

func TestASlowStrangerIsDropped(t *testing.T) {
	d := newDoor(t)
	began := time.Now()
	c := d.knock(t, d.secret[:])
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || time.Since(began) > patience/2 {
		t.Errorf("%d bytes, %v after %v", n, err, time.Since(began))
	}
}

func TestStreamsAtTheDoorAreBounded(t *testing.T) {
	d := newDoor(t)
	for i := range maxWaiting {
		d.waiting[uint64(i)+1000] = visitor{}
	}
	a, b := net.Pipe()
	go d.ring(a, theHive)
	_ = b.SetReadDeadline(time.Now().Add(patience))
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%v, want it closed", err)
	}
	if len(d.waiting) != maxWaiting || len(d.came) != 0 {
		t.Errorf("%d wait", len(d.waiting))
	}
}

func TestAStreamForWhichNobodyComesIsClosed(t *testing.T) {
	d := newDoorbell()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.addr = l.Addr().String()
	l.Close()
	a, b := net.Pipe()
	d.ring(a, theHive)
	if _, err := b.Read(make([]byte, 1)); err != io.EOF || len(d.waiting) != 0 {
		t.Errorf("%v, %d wait", err, len(d.waiting))
	}
}

// Strangers come and stay while the links are busy: every message arrives, in order.
func TestStrangersDuringLoadDisturbNobody(t *testing.T) {
	h := newHouse(t)
	const many = 500
	var strangers sync.WaitGroup
	for range 50 {
		strangers.Go(func() {
			c, err := net.Dial("tcp", h.owner.bell.addr)
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = c.Write(make([]byte, 39))
			_ = c.SetReadDeadline(time.Now().Add(patience))
			_, _ = c.Read(make([]byte, 1))
		})
	}
	for i := range many {
		from, id := h.hostile, LinkPrefix+hostile
		if i%2 == 1 {
			from, id = h.sibling, LinkPrefix+sibling
		}
		from.remote.SendMessage(actor.NewPID(owner, id), nil, &messages.SyncReply{Number: int64(i)}, nil, -1)
	}
	last := [2]int64{-1, -1}
	for range many {
		select {
		case m := <-h.got:
			n := m.(*messages.SyncReply).GetNumber()
			if n <= last[n%2] {
				t.Fatalf("%d came after %d", n, last[n%2])
			}
			last[n%2] = n
		case <-time.After(patience):
			t.Fatalf("the last ones were %v", last)
		}
	}
	strangers.Wait()
}
