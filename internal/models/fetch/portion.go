package fetch

import (
	"sync"
	"time"
)

// portion bounds what is on its way over a line that is shared with others: with heartbeats, whose absence would be
// taken for death, and with the tokens of somebody's answer. They come at most so much later as what is ahead of them
// takes, so a request asks for what the line lately carried in inFlight, and no more. Without it a slow line would have
// all windows of all streams ahead of a heartbeat.
type portion struct {
	mu   sync.Mutex
	next int64
}

const (
	// inFlight is shared by all segments that come at the same time.
	inFlight                                      = 400 * time.Millisecond
	firstPortion, leastPortion, mostPortion int64 = 64 << 10, 16 << 10, 4 << 20
)

// bytes is how much to ask for of all that is missing.
func (p *portion) bytes(all int64) int64 {
	if p == nil {
		return all
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == 0 {
		p.next = firstPortion
	}
	return min(all, p.next)
}

// took learns from a request that brought n bytes. It grows to double at most at a time, since a short measurement
// says little, and shrinks at once.
func (p *portion) took(n int64, d time.Duration) {
	if p == nil || n <= 0 || d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fits := int64(float64(n) * inFlight.Seconds() / d.Seconds())
	if n < p.next && fits > p.next {
		return // the end of a segment: a small request says nothing about larger ones
	}
	p.next = min(max(min(fits, 2*p.next), leastPortion), mostPortion)
}
