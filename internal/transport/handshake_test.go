package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
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

func FuzzReadFrame(f *testing.F) {
	var b bytes.Buffer
	_ = WriteFrame(&b, "", &messages.Boot{RunId: "x"})
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		_, _ = ReadFrame(bytes.NewReader(in), "", &messages.Boot{})
	})
}

func FuzzPreamble(f *testing.F) {
	var b bytes.Buffer
	_ = preamble{ServiceActors, "queen.1", "queen.1~hive-a.1"}.write(&b)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := readPreamble(bytes.NewReader(in))
		if err == nil && (CheckAddress(p.target) != nil || CheckAddress(p.origin) != nil) {
			t.Errorf("%+v", p)
		}
	})
}
