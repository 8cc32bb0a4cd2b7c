package transport

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"rbee/messages"
)

func FuzzNoise(f *testing.F) {
	f.Add([]byte("Welcome\n"+magic[:5]), "n0nce", uint8(3))
	f.Add([]byte(magic+magic+"n"), "", uint8(1))
	f.Fuzz(func(t *testing.T, noise []byte, nonce string, most uint8) {
		if len(noise) > MaxNoise || bytes.Contains(append(noise, magic...), []byte(magic+nonce)) || strings.HasPrefix(nonce, magic) {
			return
		}
		b := bytes.NewBuffer(append([]byte(nil), noise...))
		if err := WriteFrame(b, nonce, &messages.Hello{Pid: 7}); err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(b.Bytes(), []byte(magic+nonce)); at != len(noise) {
			return // noise and magic together hold an earlier one
		}
		b.WriteString("rest")
		var h messages.Hello
		got, err := ReadFrame(&counted{b, int(most) + 1, 0}, nonce, &h)
		if err != nil || !bytes.Equal(got, noise) || h.GetPid() != 7 || b.String() != "rest" {
			t.Errorf("%v, noise %q, %v, left %q", err, got, &h, b.String())
		}
	})
}

func FuzzCheckAddress(f *testing.F) {
	f.Add("queen.1~hive-a.1")
	f.Add("queen.01")
	f.Fuzz(func(t *testing.T, a string) {
		if CheckAddress(a) != nil {
			return
		}
		for part := range strings.SplitSeq(a, Separator) {
			name, life, _ := strings.Cut(part, ".")
			n, err := strconv.Atoi(life)
			if err != nil || Join("x", name, n) != "x"+Separator+part {
				t.Errorf("%q is taken for the life %q, which Join writes in another way: two names of one life", a, part)
			}
		}
		if len(a) > 255 || strings.ContainsAny(a, "/\x00 \n") || !Within(a, a) {
			t.Errorf("%q", a)
		}
	})
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
