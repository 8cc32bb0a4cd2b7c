package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"
)

// Magic is how the first frame on any stream begins.
const Magic = magic

const (
	// magic starts every stream. It never appears in text, so login banners, .bashrc output and the prints of native
	// libraries that come before it can be told from it and skipped.
	magic = "\x00rbee-link/1\x00"
	// MaxNoise is how many foreign bytes may come before the magic.
	MaxNoise = 64 << 10
	// maxFrame bounds a handshake frame.
	maxFrame = 1 << 20
)

// ErrNoHandshake is returned when the other side never spoke our protocol.
var ErrNoHandshake = errors.New("no handshake")

// Frame is one handshake frame: magic, nonce, length, message.
func Frame(nonce string, m proto.Message) ([]byte, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(magic)+len(nonce)+4+len(body))
	b = append(append(b, magic...), nonce...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...), nil
}

// WriteFrame sends one handshake frame.
func WriteFrame(w io.Writer, nonce string, m proto.Message) error {
	b, err := Frame(nonce, m)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// ReadFrame skips noise, at most MaxNoise bytes, up to magic and nonce, and reads one frame into m. It reads not one
// byte more than the frame: what follows belongs to the multiplexer. The noise is returned for the log.
func ReadFrame(r io.Reader, nonce string, m proto.Message) (noise []byte, err error) {
	want := []byte(magic + nonce)
	got := make([]byte, 0, len(want))
	buf := make([]byte, len(want))
	for have := 0; have < len(want); have = overlap(got, want) {
		room := MaxNoise + len(want) - len(got)
		if room == 0 {
			return got, fmt.Errorf("%w: %d bytes without it", ErrNoHandshake, len(got))
		}
		// At least so many bytes are still to come, so that none of what follows is read.
		n, err := r.Read(buf[:min(len(want)-have, room)])
		if got = append(got, buf[:n]...); n == 0 && err != nil {
			return got, fmt.Errorf("%w: %w after %d bytes", ErrNoHandshake, err, len(got))
		}
	}
	noise = got[:len(got)-len(want)]
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return noise, fmt.Errorf("%w: %w in the length", ErrNoHandshake, err)
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > maxFrame {
		return noise, fmt.Errorf("%w: a frame of %d bytes, at most %d are allowed", ErrNoHandshake, size, maxFrame)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return noise, fmt.Errorf("%w: %w in a frame of %d bytes", ErrNoHandshake, err, size)
	}
	if err := proto.Unmarshal(body, m); err != nil {
		return noise, fmt.Errorf("%w: %w", ErrNoHandshake, err)
	}
	return noise, nil
}

// overlap returns how many bytes of want are at the end of got already.
func overlap(got, want []byte) int {
	n := min(len(got), len(want))
	for n > 0 && !bytes.HasSuffix(got, want[:n]) {
		n--
	}
	return n
}
