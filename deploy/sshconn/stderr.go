package sshconn

import (
	"fmt"
	"io"
	"sync"
)

// stderr keeps the stderr of a command until it is read, and drops what there is no room for.
type stderr struct {
	p       *pipe
	mu      sync.Mutex
	dropped int64
}

func newStderr() *stderr { return &stderr{p: newPipe(stderrRoom)} }

// Write never waits.
func (e *stderr) Write(b []byte) (int, error) {
	n := e.p.Offer(b)
	if n < len(b) {
		e.mu.Lock()
		e.dropped += int64(len(b) - n)
		e.mu.Unlock()
	}
	return len(b), nil
}

func (e *stderr) End(err error) { e.p.End(err) }

func (e *stderr) abandon() { e.p.Abandon(io.EOF) }

// Read tells of what was dropped when the reader has caught up with what was kept.
func (e *stderr) Read(b []byte) (int, error) {
	if note := e.note(len(b)); note != "" {
		return copy(b, note), nil
	}
	return e.p.Read(b)
}

func (e *stderr) note(room int) string {
	e.p.mu.Lock()
	empty := e.p.n == 0
	e.p.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !empty || e.dropped == 0 {
		return ""
	}
	note := fmt.Sprintf("\n[%d bytes of stderr were dropped]\n", e.dropped)
	if len(note) > room {
		return ""
	}
	e.dropped = 0
	return note
}
