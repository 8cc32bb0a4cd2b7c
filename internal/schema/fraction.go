package schema

import "rbee/internal/gbnf"

// fracLimit is a limit's digits behind the point that are still to come; nil = nothing binds any more.
type fracLimit struct {
	digits string
	strict bool
}

func (l *fracLimit) rest() *fracLimit {
	if l == nil || l.digits == "" {
		return l
	}
	return &fracLimit{l.digits[1:], l.strict}
}

func (l *fracLimit) first() byte {
	if l.digits == "" {
		return '0'
	}
	return l.digits[0]
}

// fraction writes what may stand behind a whole part: nothing, or a point and digits.
func (w writer) fraction(low, high *fracLimit, at int) gbnf.Node {
	var out gbnf.Alt
	if endsHere(low, high) {
		out = append(out, gbnf.Seq{})
	}
	if w.frac > 0 {
		out = append(out, seq(lit("."), w.fracDigits(low, high, w.frac, false)))
	}
	return out
}

// endsHere reports whether the number may end: what it has is followed by zeros.
func endsHere(low, high *fracLimit) bool {
	if low != nil && (low.digits != "" || low.strict) {
		return false
	}
	return high == nil || high.digits != "" || !high.strict
}

// fracDigits writes up to n digits, at least one of them unless may is set.
func (w writer) fracDigits(low, high *fracLimit, n int, may bool) gbnf.Node {
	var out gbnf.Alt
	if may && endsHere(low, high) {
		out = append(out, gbnf.Seq{})
	}
	if n == 0 {
		return out
	}
	least := 1
	if may {
		least = 0
	}
	switch {
	case low == nil && high == nil:
		return digits(least, n)
	case low != nil && high != nil && low.first() == high.first():
		return append(out, seq(digit(rune(low.first()), rune(low.first())), w.fracDigits(low.rest(), high.rest(), n-1, true)))
	}
	first, last := byte('0'), byte('9')
	if low != nil {
		first = low.first() + 1
		out = append(out, seq(digit(rune(low.first()), rune(low.first())), w.fracDigits(low.rest(), nil, n-1, true)))
	}
	if high != nil {
		last = high.first() - 1
		out = append(out, seq(digit(rune(high.first()), rune(high.first())), w.fracDigits(nil, high.rest(), n-1, true)))
	}
	if first <= last {
		out = append(out, seq(digit(rune(first), rune(last)), digits(0, n-1)))
	}
	return out
}
