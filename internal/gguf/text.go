package gguf

import (
	"hash/maphash"
	"strings"
)

// set remembers texts by their hash, so that its memory does not depend on their length.
type set struct {
	seed maphash.Seed
	seen map[uint64]bool
}

func newSet() set { return set{maphash.MakeSeed(), map[uint64]bool{}} }

// add reports whether s is new.
func (s set) add(t string) bool {
	h := maphash.String(s.seed, t)
	if s.seen[h] {
		return false
	}
	s.seen[h] = true
	return true
}

// printable makes a name from a file fit for a terminal: control characters become dots, and it is cut at 80
// characters.
func printable(s string) string {
	out := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u202e' {
			return '.'
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 400)], ".")))
	if len(out) > 80 {
		return string(out[:79]) + "…"
	}
	return string(out)
}
