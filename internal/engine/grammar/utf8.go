package grammar

import (
	"slices"
	"unicode/utf8"
)

// runeRange is the characters from lo to hi.
type runeRange struct{ lo, hi rune }

// complement returns every character that is in none of ranges.
func complement(ranges []runeRange) []runeRange {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b runeRange) int { return int(a.lo - b.lo) })
	var out []runeRange
	next := rune(0)
	for _, r := range sorted {
		if r.lo > next {
			out = append(out, runeRange{next, r.lo - 1})
		}
		next = max(next, r.hi+1)
	}
	if next <= utf8.MaxRune {
		out = append(out, runeRange{next, utf8.MaxRune})
	}
	return out
}

func keyOf(ranges []runeRange) string {
	var b []byte
	for _, r := range ranges {
		b = append(b, byte(r.lo), byte(r.lo>>8), byte(r.lo>>16), byte(r.hi), byte(r.hi>>8), byte(r.hi>>16))
	}
	return string(b)
}

// byteSequences returns sequences of byte ranges that match just the UTF-8 forms of the characters from lo to hi.
// Surrogates have none.
func byteSequences(lo, hi rune) [][]byteRange {
	const surrogates, afterSurrogates = 0xd800, 0xe000
	if lo > hi {
		return nil
	}
	if lo < afterSurrogates && hi >= surrogates {
		return append(byteSequences(lo, min(hi, surrogates-1)), byteSequences(max(lo, afterSurrogates), hi)...)
	}
	for _, top := range []rune{0x7f, 0x7ff, 0xffff} { // characters of different lengths
		if lo <= top && hi > top {
			return append(byteSequences(lo, top), byteSequences(top+1, hi)...)
		}
	}
	for i := 1; i < utf8.UTFMax; i++ { // all but the last bytes must range over everything, or be the same
		m := rune(1)<<(6*i) - 1
		if lo&^m == hi&^m {
			continue
		}
		if lo&m != 0 {
			return append(byteSequences(lo, lo|m), byteSequences(lo|m+1, hi)...)
		}
		if hi&m != m {
			return append(byteSequences(lo, hi&^m-1), byteSequences(hi&^m, hi)...)
		}
	}
	a, b := utf8.AppendRune(nil, lo), utf8.AppendRune(nil, hi)
	seq := make([]byteRange, len(a))
	for i := range a {
		seq[i] = byteRange{lo: a[i], hi: b[i]}
	}
	return [][]byteRange{seq}
}
