package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"rbee/messages"
)

func TestNoiseBeforeTheHandshakeIsSkippedAndNothingAfterItIsRead(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("Welcome to mac\n" + magic[:5])
	if err := WriteFrame(&b, "n0nce", &messages.Hello{Pid: 7}); err != nil {
		t.Fatal(err)
	}
	b.WriteString("multiplexer")
	var h messages.Hello
	noise, err := ReadFrame(&b, "n0nce", &h)
	if err != nil || h.GetPid() != 7 || string(noise) != "Welcome to mac\n"+magic[:5] || b.String() != "multiplexer" {
		t.Errorf("%v, %v, noise %q, left %q", err, &h, noise, b.String())
	}
}

func TestWhatIsNoHandshakeIsRefused(t *testing.T) {
	giant := binary.BigEndian.AppendUint32([]byte(magic), 1<<31)
	for name, in := range map[string]string{
		"noise without end": strings.Repeat("x", MaxNoise+1000),
		"too little":        "hello",
		"giant length":      string(giant),
		"cut short":         magic + "\x00\x00\x00\x09abc",
		"no message":        magic + "\x00\x00\x00\x02\xff\xff",
	} {
		if _, err := ReadFrame(strings.NewReader(in), "", &messages.Hello{}); !errors.Is(err, ErrNoHandshake) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	a := Join(Join("keeper.1", "queen", 1), "hive-"+SafeName("Mac Book_$(x)"), 7)
	if a != "keeper.1~queen.1~hive-mac-book---x-.7" || CheckAddress(a) != nil {
		t.Errorf("%s: %v", a, CheckAddress(a))
	}
	for _, bad := range []string{"", "queen", "queen.0", "queen.-1", "queen.1~", "Queen.1", "queen.1~a b.1", strings.Repeat("a", 300) + ".1"} {
		if CheckAddress(bad) == nil {
			t.Errorf("%.20q is taken for an address", bad)
		}
	}
	if Within("queen.10", "queen.1") || !Within("queen.1~hive-a.1", "queen.1") || !IsChild("queen.1~a.1", "queen.1") || IsChild("queen.1~a.1~b.1", "queen.1") {
		t.Error("lives are mixed up")
	}
}

// counted counts the reads, each of which is a system call on a real stream, and gives at most so much at once.

type counted struct {
	io.Reader
	most, reads int
}

func (c *counted) Read(b []byte) (int, error) {
	c.reads++
	return c.Reader.Read(b[:min(len(b), c.most)])
}

func TestNoiseIsReadInLinearTimeAndFewReads(t *testing.T) {
	nonce := strings.Repeat("n", 32)
	for name, noise := range map[string]string{
		"text":             strings.Repeat("x", MaxNoise),
		"starts of magic":  strings.Repeat(magic[:1], MaxNoise),
		"almost the magic": strings.Repeat((magic + nonce)[:len(magic)+31]+"!", MaxNoise/(len(magic)+32)),
	} {
		var b bytes.Buffer
		b.WriteString(noise)
		if err := WriteFrame(&b, nonce, &messages.Hello{Pid: 7}); err != nil {
			t.Fatal(err)
		}
		c := &counted{Reader: &b, most: 1 << 20}
		if _, err := ReadFrame(c, nonce, &messages.Hello{}); err != nil || c.reads > len(noise)/2+100 {
			t.Errorf("%s: %d reads of %d bytes of noise, %v", name, c.reads, len(noise), err)
		}
	}
}

func TestAsMuchNoiseAsAllowedIsAllowed(t *testing.T) {
	for extra, ok := range map[int]bool{0: true, 1: false} {
		var b bytes.Buffer
		b.WriteString(strings.Repeat("x", MaxNoise+extra))
		if err := WriteFrame(&b, "n", &messages.Hello{}); err != nil {
			t.Fatal(err)
		}
		if noise, err := ReadFrame(&b, "n", &messages.Hello{}); (err == nil) != ok || ok && len(noise) != MaxNoise {
			t.Errorf("%d bytes more: %v, %d bytes of noise", extra, err, len(noise))
		}
	}
}

// Whatever comes first, in whatever pieces: the first frame is found, with all before it and nothing after it.
