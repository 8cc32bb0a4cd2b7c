package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxEventBytes bounds one event: spans are the largest, and a queen that sends more is broken.
const maxEventBytes = 16 << 20

var errEventTooLarge = errors.New("event larger than 16 MiB")

// sseReader reads server-sent events as WHATWG defines them, less what this API never uses (id, retry).
type sseReader struct {
	r    *bufio.Reader
	name []byte
	data []byte
	long []byte // a line that did not fit into the reader's buffer
}

func newSSEReader(r io.Reader) *sseReader { return &sseReader{r: bufio.NewReaderSize(r, 32<<10)} }

// next returns the name and the data of the next event, valid until the next call. At the end of the stream it
// returns io.EOF; an event that was not finished by an empty line is dropped, as the standard says.
func (s *sseReader) next() (name string, data []byte, err error) {
	s.name, s.data = s.name[:0], s.data[:0]
	seen := false
	for {
		line, err := s.line()
		if err != nil {
			return "", nil, err
		}
		if len(line) == 0 {
			if !seen {
				s.name = s.name[:0]
				continue
			}
			return string(s.name), s.data, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			s.name = append(s.name[:0], value...)
		case "data":
			if seen {
				s.data = append(s.data, '\n')
			}
			s.data = append(s.data, value...)
			seen = true
		}
		if len(s.data) > maxEventBytes {
			return "", nil, errEventTooLarge
		}
	}
}

// line returns the next line without its end.
func (s *sseReader) line() ([]byte, error) {
	s.long = s.long[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		switch {
		case err == nil:
			if len(s.long) > 0 {
				part = append(s.long, part...)
				s.long = part
			}
			return bytes.TrimSuffix(part[:len(part)-1], []byte("\r")), nil
		case errors.Is(err, bufio.ErrBufferFull):
			s.long = append(s.long, part...)
			if len(s.long) > maxEventBytes {
				return nil, errEventTooLarge
			}
		default:
			return nil, err
		}
	}
}

// waiting reports whether the next event has arrived as a whole, so that next would not block.
func (s *sseReader) waiting() bool {
	b, _ := s.r.Peek(s.r.Buffered())
	return bytes.Contains(b, []byte("\n\n"))
}
