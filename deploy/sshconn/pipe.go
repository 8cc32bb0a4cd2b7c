package sshconn

import (
	"io"
	"sync"
)

// pipe is a bounded queue of bytes between two goroutines. Unlike a channel of the SSH library, whoever waits in it
// can be told to stop.
type pipe struct {
	mu        sync.Mutex
	change    sync.Cond
	buf       []byte // ring
	at, n     int    // first byte, how many
	end       error  // what Read returns once empty
	abandoned error  // what both return at once
}

func newPipe(size int) *pipe {
	p := &pipe{buf: make([]byte, size)}
	p.change.L = &p.mu
	return p
}

// Read waits for at least one byte.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.n == 0 && p.end == nil && p.abandoned == nil && len(b) > 0 {
		p.change.Wait()
	}
	if p.abandoned != nil {
		return 0, p.abandoned
	}
	if p.n == 0 && len(b) > 0 {
		return 0, p.end
	}
	return p.take(b), nil
}

func (p *pipe) take(b []byte) (got int) {
	full := p.n == len(p.buf)
	for got < len(b) && p.n > 0 {
		c := copy(b[got:], p.buf[p.at:min(p.at+p.n, len(p.buf))])
		p.at, p.n, got = (p.at+c)%len(p.buf), p.n-c, got+c
	}
	if full || p.n == 0 {
		p.change.Broadcast()
	}
	return got
}

// Write waits for room.
func (p *pipe) Write(b []byte) (done int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for done < len(b) {
		for p.n == len(p.buf) && p.end == nil && p.abandoned == nil {
			p.change.Wait()
		}
		if p.abandoned != nil {
			return done, p.abandoned
		}
		if p.end != nil {
			return done, io.ErrClosedPipe
		}
		done += p.put(b[done:])
	}
	return done, nil
}

// Offer is a Write that waits for nothing: it takes what there is room for.
func (p *pipe) Offer(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != nil || p.abandoned != nil {
		return len(b)
	}
	return p.put(b)
}

func (p *pipe) put(b []byte) (done int) {
	empty := p.n == 0
	for done < len(b) && p.n < len(p.buf) {
		from := (p.at + p.n) % len(p.buf)
		to := len(p.buf)
		if from < p.at {
			to = p.at
		}
		c := copy(p.buf[from:to], b[done:])
		p.n, done = p.n+c, done+c
	}
	if empty && done > 0 {
		p.change.Broadcast()
	}
	return done
}

// End lets the reader have what is queued, then err.
func (p *pipe) End(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil {
		p.end = err
	}
	p.change.Broadcast()
}

// Abandon drops what is queued and makes both sides return err from now on.
func (p *pipe) Abandon(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.abandoned == nil {
		p.abandoned = err
	}
	p.change.Broadcast()
}
