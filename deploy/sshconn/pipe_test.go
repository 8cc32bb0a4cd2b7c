package sshconn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func TestAPipeKeepsEveryByteInOrder(t *testing.T) {
	for _, room := range []int{1, 2, 7, 64, 1000} {
		p := newPipe(room)
		want := make([]byte, 20_000)
		for i := range want {
			want[i] = byte(rand.Uint32())
		}
		go func() {
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1+rand.IntN(3*room))
				if _, err := p.Write(rest[:n]); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
			p.End(io.EOF)
		}()
		var got bytes.Buffer
		for {
			b := make([]byte, 1+rand.IntN(3*room))
			n, err := p.Read(b)
			if got.Write(b[:n]); err == io.EOF {
				break
			}
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("room %d: %d bytes arrived, of %d", room, got.Len(), len(want))
		}
	}
}

func TestAnAbandonedPipeLetsBothSidesGo(t *testing.T) {
	gone := errors.New("gone")
	for _, f := range []func(*pipe) error{
		func(p *pipe) error { _, err := p.Read(make([]byte, 1)); return err },
		func(p *pipe) error { _, err := p.Write(make([]byte, 5)); return err },
	} {
		p := newPipe(2)
		ended := make(chan error)
		go func() { ended <- f(p) }()
		p.Abandon(gone)
		if err := <-ended; err != gone {
			t.Error(err)
		}
	}
}

func TestTheEndComesBehindWhatWasWritten(t *testing.T) {
	p := newPipe(4)
	if n := p.Offer([]byte("abcdef")); n != 4 {
		t.Errorf("%d bytes taken into a room of 4", n)
	}
	p.End(io.EOF)
	if _, err := p.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if got, err := io.ReadAll(p); string(got) != "abcd" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
