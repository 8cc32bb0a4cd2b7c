package deploy

import (
	"io"
	"strings"
	"sync"
	"time"
)

// pump reads a program's stderr from its first moment on, so that a program which does not come up can be explained,
// and hands it on to whoever reads it afterwards. What nobody takes is bounded: then the far side waits.
type pump struct {
	chunks chan []byte
	rest   []byte
	quit   chan struct{}
	stop   func()
	ended  chan struct{} // the far side's stderr is over
}

func newPump(r io.Reader) *pump {
	quit := make(chan struct{})
	p := &pump{chunks: make(chan []byte, 64), quit: quit, stop: sync.OnceFunc(func() { close(quit) }), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		defer close(p.chunks)
		for {
			b := make([]byte, 1024)
			n, err := r.Read(b)
			if n > 0 {
				select {
				case p.chunks <- b[:n]:
				case <-p.quit:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// Read implements io.Reader. After stop it is at its end.
func (p *pump) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		select {
		case c, ok := <-p.chunks:
			if !ok {
				return 0, io.EOF
			}
			p.rest = c
		case <-p.quit:
			return 0, io.EOF
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// tailTime is how long the last words of a program that has ended may take to arrive.
const tailTime = 200 * time.Millisecond

// tail takes what was written so far, and ends the pump's use for Read.
func (p *pump) tail() string {
	select {
	case <-p.ended:
	case <-time.After(tailTime):
	}
	var b strings.Builder
	for {
		select {
		case c, ok := <-p.chunks:
			if !ok {
				return b.String()
			}
			b.Write(c)
		default:
			return b.String()
		}
	}
}
