package llamacpp

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// cutter turns the bytes of tokens into text that may be shown. It holds back a character until its last byte is
// there, and whatever may be the beginning of a stop string until it is clear that it is not.
//
// The text it gives does not depend on how the bytes were cut into tokens. Bytes that are no UTF-8 become U+FFFD,
// one each.
type cutter struct {
	stops [][]byte
	held  []byte
}

func newCutter(stops []string) *cutter {
	c := &cutter{}
	for _, s := range stops {
		c.stops = append(c.stops, []byte(s))
	}
	return c
}

// push adds the bytes of a token and returns what may be shown now. stopped means that a stop string is complete:
// text ends before it, and the rest is forgotten. Of several the one that is complete first counts.
func (c *cutter) push(piece []byte) (text string, stopped bool) {
	c.held = append(c.held, piece...)
	if at := c.findStop(); at >= 0 {
		text = whole(c.held[:at])
		c.held = nil
		return text, true
	}
	n := len(c.held) - c.maybeStop()
	n -= incomplete(c.held[:n])
	text = whole(c.held[:n])
	c.held = append(c.held[:0], c.held[n:]...)
	return text, false
}

// flush returns what is held at the end of the answer.
func (c *cutter) flush() string {
	text := whole(c.held)
	c.held = nil
	return text
}

// findStop returns where the stop string begins whose end comes first; -1 for none.
func (c *cutter) findStop() int {
	start, end := -1, len(c.held)+1
	for _, s := range c.stops {
		i := bytes.Index(c.held, s)
		if i < 0 {
			continue
		}
		if e := i + len(s); e < end || e == end && i < start {
			start, end = i, e
		}
	}
	return start
}

// maybeStop returns the length of the longest end of held that is the beginning of a stop string.
func (c *cutter) maybeStop() int {
	longest := 0
	for _, s := range c.stops {
		for n := min(len(s)-1, len(c.held)); n > longest; n-- {
			if bytes.HasSuffix(c.held, s[:n]) {
				longest = n
				break
			}
		}
	}
	return longest
}

// incomplete returns the length of a character begun at the end of b, 0 to 3.
func incomplete(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		last := b[len(b)-n:]
		if utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// whole returns b as a string of whole characters.
func whole(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		s.WriteRune(r)
		b = b[n:]
	}
	return s.String()
}
