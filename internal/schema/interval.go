package schema

import (
	"strings"

	"rbee/internal/gbnf"
)

// interval writes the numbers between two limits, digit by digit: at each place the digits that are strictly between
// those of the limits may be followed by anything, those equal to a limit's by what keeps to the rest of that limit.
func (b *Builder) interval(r numbers) gbnf.Node {
	w := writer{b: b, frac: fracDigits}
	if r.step {
		w.frac = max(0, -r.zeros)
		w.zeros = max(0, r.zeros)
	}
	var out gbnf.Alt
	if r.high == nil || !r.high.neg || r.high.zero() { // from 0 up
		low := limit{strict: r.lowStrict}
		if r.low != nil && !r.low.neg {
			low.digits = *r.low
		} else {
			low.strict = false
		}
		out = append(out, w.between(&low, limitOf(r.high, r.highStrict)))
	}
	if r.low == nil || r.low.neg && !r.low.zero() { // below 0: the same, mirrored
		low := limit{strict: true}
		if r.high != nil && r.high.neg {
			low = limit{*r.high, r.highStrict}
		}
		out = append(out, seq(lit("-"), w.between(&low, limitOf(r.low, r.lowStrict))))
	}
	return out
}

type limit struct {
	digits decimal
	strict bool
}

func limitOf(d *decimal, strict bool) *limit {
	if d == nil {
		return nil
	}
	return &limit{*d, strict}
}

// writer writes numbers from 0 up.
type writer struct {
	b     *Builder
	frac  int // digits behind the point
	zeros int // at the end of the whole part
}

// between writes the numbers from low to high; high may be nil.
func (w writer) between(low, high *limit) gbnf.Node {
	lowDigits := low.digits.whole_
	var out gbnf.Alt
	if high != nil && high.digits.whole_ == lowDigits {
		return w.whole(lowDigits, w.fraction(&fracLimit{low.digits.frac, low.strict}, &fracLimit{high.digits.frac, high.strict}, 0))
	}
	// The two outermost whole parts have a limit behind the point, those in between have not.
	out = append(out, w.whole(lowDigits, w.fraction(&fracLimit{low.digits.frac, low.strict}, nil, 0)))
	free := w.fraction(nil, nil, 0)
	if high == nil {
		top := strings.Repeat("9", max(wholeDigits, len(lowDigits)+1))
		return append(out, w.inner(lowDigits, top, true, free))
	}
	out = append(out, w.inner(lowDigits, high.digits.whole_, false, free))
	return append(out, w.whole(high.digits.whole_, w.fraction(nil, &fracLimit{high.digits.frac, high.strict}, 0)))
}

// whole writes one whole part and what follows it, if that can be.
func (w writer) whole(digits string, then gbnf.Node) gbnf.Node {
	if w.zeros > 0 && digits != "" && !strings.HasSuffix(digits, strings.Repeat("0", w.zeros)) {
		return gbnf.Alt{}
	}
	if digits == "" {
		digits = "0"
	}
	return seq(lit(digits), then)
}

// inner writes the whole parts strictly between two (the upper one too if it is said), of each length by itself.
func (w writer) inner(low, high string, withHigh bool, then gbnf.Node) gbnf.Node {
	var out gbnf.Alt
	for n := max(1, len(low)); n <= len(high); n++ {
		from, to := "", ""
		if n == len(low) {
			from = low
		}
		if n == len(high) && !withHigh {
			to = high
		}
		out = append(out, w.ofLength(n, from, to, true))
	}
	return seq(out, then)
}

// ofLength writes whole parts of n digits, above from and below to ("" = no limit).
func (w writer) ofLength(n int, from, to string, leading bool) gbnf.Node {
	if n == 0 {
		if from != "" || to != "" {
			return gbnf.Alt{}
		}
		return gbnf.Seq{}
	}
	return w.place(n, from, to, leading, from != "", to != "")
}

// place writes the digits from here on; hasFrom and hasTo say whether a limit still binds.
func (w writer) place(n int, from, to string, leading, hasFrom, hasTo bool) gbnf.Node {
	if n == 0 {
		if hasFrom || hasTo { // equal to the limit to the end: not strictly beyond it
			return gbnf.Alt{}
		}
		return gbnf.Seq{}
	}
	lowest, highest := byte('0'), byte('9')
	if leading {
		lowest = '1'
	}
	if !hasFrom && !hasTo {
		return seq(w.digit(n, lowest, highest), w.free(n-1))
	}
	rest := func(s string) string {
		if s == "" {
			return ""
		}
		return s[1:]
	}
	if hasFrom && hasTo && from[0] == to[0] {
		return seq(w.digit(n, from[0], from[0]), w.place(n-1, rest(from), rest(to), false, true, true))
	}
	var out gbnf.Alt
	first, last := lowest, highest
	if hasFrom {
		first = from[0] + 1
		out = append(out, seq(w.digit(n, from[0], from[0]), w.place(n-1, rest(from), "", false, true, false)))
	}
	if hasTo {
		last = to[0] - 1
		if to[0] >= lowest {
			out = append(out, seq(w.digit(n, to[0], to[0]), w.place(n-1, "", rest(to), false, false, true)))
		}
	}
	if first <= last {
		out = append(out, seq(w.digit(n, first, last), w.free(n-1)))
	}
	return out
}

// digit is a digit with n-1 places behind it; the last ones may have to be zeros.
func (w writer) digit(n int, low, high byte) gbnf.Node {
	if n <= w.zeros {
		if low > '0' {
			return gbnf.Alt{}
		}
		high = '0'
	}
	return digit(rune(low), rune(high))
}

func (w writer) free(n int) gbnf.Node {
	zeros := min(n, w.zeros)
	return seq(digits(n-zeros, n-zeros), lit(strings.Repeat("0", zeros)))
}
