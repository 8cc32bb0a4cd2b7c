package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Bounds. Real files stay far below: the largest vocabularies make headers of about 20 MB.
const (
	maxHeader = 64 << 20  // bytes before the first tensor
	maxKV     = 1 << 16   // metadata entries
	maxTensor = 1 << 16   // tensors in one file
	maxKey    = 1<<16 - 1 // bytes of a key: the format's own limit
	maxText   = 1 << 20   // bytes of a text that is kept, a chat template for one
	maxName   = 63        // bytes of a tensor's name: ggml's own limit
)

// reader walks through a header. Its first failure stays in err, and everything read after that is zero, so that
// callers check once per entry and not once per number.
type reader struct {
	from io.ReaderAt
	size int64 // of the file
	pos  int64 // of the next byte
	err  error

	buf   [64 << 10]byte
	start int64 // file position of buf[0]
	have  int   // bytes in buf
}

// left is how many bytes the file still has.
func (r *reader) left() uint64 { return uint64(r.size - r.pos) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// need fails unless n more bytes follow, and unless the header stays bounded.
func (r *reader) need(n uint64, what string) bool {
	switch {
	case r.err != nil:
	case n > r.left():
		r.fail(corrupt(what, fmt.Sprintf("%d more bytes at %d", n, r.pos), "a file of only %d bytes", r.size))
	case uint64(r.pos)+n > maxHeader:
		r.fail(corrupt(what, fmt.Sprintf("a header of at most %d bytes", maxHeader), "%d bytes at %d", n, r.pos))
	}
	return r.err == nil
}

// next returns the next n bytes, n no more than the buffer's size; they are valid until the next call.
func (r *reader) next(n int, what string) []byte {
	if !r.need(uint64(n), what) {
		return nil
	}
	at := r.pos - r.start
	if at < 0 || at+int64(n) > int64(r.have) {
		got, err := r.from.ReadAt(r.buf[:], r.pos)
		if got < n {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF // shorter than its size says: somebody is cutting it
			}
			r.fail(fmt.Errorf("cannot read %s at %d: %w", what, r.pos, err))
			return nil
		}
		r.start, r.have, at = r.pos, got, 0
	}
	r.pos += int64(n)
	return r.buf[at : at+int64(n)]
}

// skip passes over n bytes without reading them.
func (r *reader) skip(n uint64, what string) {
	if r.need(n, what) {
		r.pos += int64(n)
	}
}

func (r *reader) u32(what string) uint32 {
	if b := r.next(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64(what string) uint64 {
	if b := r.next(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// text reads a string of at most limit bytes.
func (r *reader) text(limit uint64, what string) string {
	n := r.u64(what)
	if n > limit {
		r.fail(corrupt(what, fmt.Sprintf("a text of at most %d bytes", limit), "%d bytes", n))
	}
	if !r.need(n, what) {
		return ""
	}
	s := make([]byte, 0, n) // n is within the limit and within the file
	for len(s) < int(n) {
		b := r.next(min(int(n)-len(s), len(r.buf)), what)
		if b == nil {
			return ""
		}
		s = append(s, b...)
	}
	return string(s)
}

// skipText passes over a string.
func (r *reader) skipText(what string) { r.skip(r.u64(what), what) }

// count reads how many things follow, each of which takes at least size bytes.
func (r *reader) count(limit, size uint64, what string) int {
	n := r.u64(what)
	switch {
	case r.err != nil:
	case n > limit:
		r.fail(corrupt(what, fmt.Sprintf("at most %d", limit), "%d", n))
	case n*size > r.left():
		r.fail(corrupt(what, fmt.Sprintf("what fits in the %d bytes that follow", r.left()), "%d", n))
	default:
		return int(n)
	}
	return 0
}
