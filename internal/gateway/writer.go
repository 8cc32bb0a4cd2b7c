package gateway

import (
	"net/http"
	"time"
)

// writer collects bytes of an event stream and sends them with one write and one flush.
type writer struct {
	w     http.ResponseWriter
	conn  *http.ResponseController
	stall time.Duration
	begun bool // the status line is out
	armed time.Time
	buf   []byte
}

func newWriter(w http.ResponseWriter, stall time.Duration) *writer {
	return &writer{w: w, conn: http.NewResponseController(w), stall: stall}
}

// flush sends what is in buf; the first time with the headers of a stream before it.
func (o *writer) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	if !o.begun {
		h := o.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Accel-Buffering", "no") // a proxy that collects tokens defeats the purpose
		o.w.WriteHeader(http.StatusOK)
		o.begun = true
	}
	o.arm()
	if _, err := o.w.Write(o.buf); err != nil {
		return err
	}
	o.buf = o.buf[:0]
	return o.conn.Flush()
}

// arm moves the deadline of the next write. Setting it is a system-wide timer each time, so it is moved only once
// a good part of it is used up; a stalled client is noticed after 3/4 to 4/4 of the limit.
func (o *writer) arm() {
	if now := time.Now(); now.Sub(o.armed) > o.stall/4 {
		o.armed = now
		_ = o.conn.SetWriteDeadline(now.Add(o.stall)) // transports without one have their own lease
	}
}

// disarm leaves the connection to the next request without a deadline.
func (o *writer) disarm() {
	if !o.armed.IsZero() {
		_ = o.conn.SetWriteDeadline(time.Time{})
	}
}
