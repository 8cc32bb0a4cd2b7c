package treekit

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Watched is an output that can be waited on.
type Watched struct {
	mu   sync.Mutex
	cond *sync.Cond
	b    bytes.Buffer
	eof  bool
}

// Watch reads r to its end.
func Watch(r io.Reader) *Watched {
	w := &Watched{}
	w.cond = sync.NewCond(&w.mu)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			w.mu.Lock()
			w.b.Write(buf[:n])
			w.eof = w.eof || err != nil
			w.cond.Broadcast()
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

// Wait returns when text was written, or the output is over, and reports whether it was.
func (w *Watched) Wait(text string) bool { return w.WaitTimes(text, 1) }

// WaitTimes returns when text was written n times, or the output is over, and reports whether it was.
func (w *Watched) WaitTimes(text string, n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for strings.Count(w.b.String(), text) < n && !w.eof {
		w.cond.Wait()
	}
	return strings.Count(w.b.String(), text) >= n
}

// Over returns when the output is over.
func (w *Watched) Over() { w.Wait("\x00 never") }

func (w *Watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}
