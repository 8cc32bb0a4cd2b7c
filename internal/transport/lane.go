package transport

import (
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// lane is one link's yamux session with the streams that are open on it.
//
// It knows them for the sake of the session's end: between the word that a session is over and its last byte, which
// may be as long as the peer takes to exit, a yamux Stream.Read that has nothing to read does not wait but turns in a
// circle. 68 processes that stop on two cores spent a tenth of their time on that.
type lane struct {
	*yamux.Session

	mu   sync.Mutex
	open map[*yamux.Stream]bool
	over bool
}

// past is a deadline that makes a read return at once.
var past = time.Unix(1, 0)

func newLane(y *yamux.Session) *lane { return &lane{Session: y, open: map[*yamux.Stream]bool{}} }

func (l *lane) stream(y *yamux.Stream) stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[y] = true
	s := stream{y, l}
	if l.over {
		_ = y.SetReadDeadline(past)
	}
	return s
}

// end makes every read of every stream return, for good.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for y := range l.open {
		_ = y.SetReadDeadline(past)
	}
}

// stream repairs net.Conn's contract: a yamux stream's Close does not unblock a pending Read.
type stream struct {
	*yamux.Stream
	lane *lane
}

func (s stream) Close() error {
	err := s.Stream.Close()
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	delete(s.lane.open, s.Stream)
	_ = s.Stream.SetReadDeadline(past)
	return err
}

// SetReadDeadline is the stream's until its link is over.
func (s stream) SetReadDeadline(t time.Time) error {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if s.lane.over {
		return nil
	}
	return s.Stream.SetReadDeadline(t)
}

// SetDeadline likewise.
func (s stream) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}
