package ui

import (
	"strings"
	"unicode/utf8"
)

// Line makes s one harmless line: line breaks and tabs become spaces, other control characters and the marks
// that reorder text become visible or vanish, and what is not UTF-8 becomes U+FFFD.
func Line(s string) string {
	return clean(s, func(r rune) (rune, bool) {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' ', true
		}
		return 0, false
	})
}

// Terminal makes model text harmless for a terminal and leaves its lines and tabs alone: an escape sequence is
// shown, not obeyed. Each call handles a piece by itself, so "\r" at the end of one and "\n" at the start of the
// next leaves a visible mark; models do not write DOS line ends.
func Terminal(s string) string {
	return clean(strings.ReplaceAll(s, "\r\n", "\n"), func(r rune) (rune, bool) {
		return r, r == '\n' || r == '\t'
	})
}

func clean(s string, keep func(rune) (rune, bool)) string {
	if harmless(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if to, ok := keep(r); ok {
			return to
		}
		switch {
		case r < ' ':
			return '\u2400' + r // U+2400 CONTROL PICTURES: ESC is shown as ␛
		case r == 0x7f:
			return '\u2421'
		case r >= 0x80 && r < 0xa0: // C1: some terminals take U+009B for ESC [
			return utf8.RuneError
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
}

// harmless is the common case: printable ASCII.
func harmless(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
