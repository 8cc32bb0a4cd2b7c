package llamacpp

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// feed pushes text in pieces of n bytes and returns what was shown, piece by piece.
func feed(text string, n int, stops ...string) (shown []string, stopped bool) {
	c := newCutter(stops)
	for len(text) > 0 {
		k := min(n, len(text))
		var s string
		s, stopped = c.push([]byte(text[:k]))
		shown = append(shown, s)
		if stopped {
			return shown, true
		}
		text = text[k:]
	}
	return append(shown, c.flush()), false
}

func TestCutter(t *testing.T) {
	for _, c := range []struct {
		name, text string
		stops      []string
		want       string
		stopped    bool
	}{
		{"no stop", "plain text", nil, "plain text", false},
		{"characters of two, three and four bytes", "žluť 蜂蜜 🐝", nil, "žluť 蜂蜜 🐝", false},
		{"stop in the middle", "one two three", []string{"two"}, "one ", true},
		{"stop at the end", "one two", []string{"two"}, "one ", true},
		{"stop at once", "one", []string{"one"}, "", true},
		{"began like a stop", "one tw", []string{"two"}, "one tw", false},
		{"began like a stop twice", "aab aac", []string{"aaac"}, "aab aac", false},
		{"a stop begins inside a false start", "aaab", []string{"aab"}, "a", true},
		{"the stop that is complete first", "xabcd", []string{"abcd", "bc"}, "xa", true},
		{"the longer of two that end together", "xabc", []string{"c", "abc"}, "x", true},
		{"a stop of foreign characters", "honey 蜂蜜 bee", []string{"蜜"}, "honey 蜂", true},
		{"bytes that are no text", "a\xffb\xe8\x9cc\xf0\x9f", nil, "a\ufffdb\ufffd\ufffdc\ufffd\ufffd", false},
		{"a stop after half a character", "a\xe8\x9cSTOP", []string{"STOP"}, "a\ufffd\ufffd", true},
	} {
		for n := 1; n <= len(c.text); n++ {
			shown, stopped := feed(c.text, n, c.stops...)
			if got := strings.Join(shown, ""); got != c.want || stopped != c.stopped {
				t.Errorf("%s, %d bytes at a time: %q %v, want %q %v", c.name, n, got, stopped, c.want, c.stopped)
			}
			for _, s := range shown {
				if !utf8.ValidString(s) {
					t.Errorf("%s: a piece of half characters: %q", c.name, s)
				}
			}
		}
	}
}

func TestCutterHoldsNothingBackWithoutNeed(t *testing.T) {
	c := newCutter([]string{"\n\n"})
	for _, p := range []string{" one", " two.", " three"} {
		if got, _ := c.push([]byte(p)); got != p {
			t.Errorf("%q gave %q", p, got)
		}
	}
	if got, _ := c.push([]byte(" end\n")); got != " end" {
		t.Errorf("gave %q, want the newline held back and nothing else", got)
	}
}

// However the bytes are cut into tokens, the text is the same, in whole characters, and without the stop string.
func FuzzCutter(f *testing.F) {
	f.Add("hello world", "lo", "wor", 3)
	f.Add("žluť\xff🐝aab", "aab", "🐝", 1)
	f.Add("aaaa", "aaab", "aa", 2)
	f.Fuzz(func(t *testing.T, text, stop1, stop2 string, n int) {
		var stops []string
		for _, s := range []string{stop1, stop2} {
			if s != "" {
				stops = append(stops, s)
			}
		}
		if len(text) > 4096 || len(stop1)+len(stop2) > maxStopBytes {
			return
		}
		n = 1 + max(0, n)%16
		whole, stoppedWhole := feed(text, max(1, len(text)), stops...)
		cut, stopped := feed(text, n, stops...)
		if a, b := strings.Join(whole, ""), strings.Join(cut, ""); a != b || stopped != stoppedWhole {
			t.Fatalf("at once %q %v, %d bytes at a time %q %v", a, stoppedWhole, n, b, stopped)
		}
		for _, s := range cut {
			if !utf8.ValidString(s) {
				t.Fatalf("half a character in %q", s)
			}
		}
		contained := false
		for _, s := range stops {
			contained = contained || bytes.Contains([]byte(text), []byte(s))
		}
		if contained != stopped {
			t.Fatalf("stopped %v, but a stop string is in the text: %v", stopped, contained)
		}
		if got := strings.Join(cut, ""); !stopped && got != string([]rune(text)) {
			t.Fatalf("without a stop %q became %q", text, got)
		}
	})
}
