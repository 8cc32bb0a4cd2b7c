package api

import "io"

// Stream is the answer to one Generate. It is used from one goroutine; Close may be called from any.
type Stream struct {
	body io.ReadCloser
	sse  *sseReader
	over bool // the terminal event was seen
}

// Next blocks for the next event. After the terminal event and what may follow it, it returns io.EOF; a stream
// that was cut before, io.ErrUnexpectedEOF or the connection's error.
func (s *Stream) Next() (Event, error) {
	for {
		name, data, err := s.sse.next()
		if err == io.EOF && !s.over {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Event{}, err
		}
		e, known, err := decode(name, data)
		if err != nil {
			return Event{}, err
		}
		if known {
			s.over = s.over || e.Terminal()
			return e, nil
		}
	}
}

// Waiting reports whether an event has already arrived. Events that came together can then be shown together.
func (s *Stream) Waiting() bool { return s.sse.waiting() }

// Close gives the connection up. A queen that loses its client cancels the request.
func (s *Stream) Close() error { return s.body.Close() }
