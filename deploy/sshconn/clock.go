package sshconn

import (
	"sync"
	"time"
)

// clock ends an attempt after a while, but stands still while a human is asked.
type clock struct {
	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	since   time.Time
	held    int
	stopped bool
}

func startClock(d time.Duration, onZero func()) *clock {
	return &clock{timer: time.AfterFunc(d, onZero), left: d, since: time.Now()}
}

// hold stops the clock until release is called.
func (c *clock) hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held++; c.held == 1 && c.timer.Stop() {
		c.left -= time.Since(c.since)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.held--; c.held == 0 && !c.stopped {
			c.since = time.Now()
			c.timer.Reset(max(c.left, time.Millisecond))
		}
	}
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.timer.Stop()
}
