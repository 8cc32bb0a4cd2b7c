package transport

import (
	"encoding/binary"
	"io"
)

// oneWrite writes a yamux frame at once. yamux itself writes first its header, then its body: on a pipe that wakes the
// reader twice, and over SSH it is two packets. It is used by one goroutine, as yamux does.
type oneWrite struct {
	io.ReadWriteCloser
	held []byte // a header whose body is to come
}

// A yamux header (spec.md of yamux): version, type, 2 bytes of flags, 4 of the stream, and the length, which is that of
// the body if the type is data. No other frame has a body.
const (
	frameHeader = 12
	frameData   = 0
	// worthJoining is up to which size of a body a copy costs less than a write.
	worthJoining = 16 << 10
)

func (w *oneWrite) Write(b []byte) (int, error) {
	if len(w.held) == 0 {
		if len(b) == frameHeader && b[1] == frameData {
			if n := binary.BigEndian.Uint32(b[8:]); n > 0 && n <= worthJoining {
				w.held = append(w.held, b...)
				return len(b), nil
			}
		}
		return w.ReadWriteCloser.Write(b)
	}
	w.held = append(w.held, b...)
	_, err := w.ReadWriteCloser.Write(w.held)
	w.held = w.held[:0]
	if err != nil {
		return 0, err
	}
	return len(b), nil
}
