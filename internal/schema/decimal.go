package schema

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// decimal is a number as its digits: whole has no leading zeros, frac no trailing ones.
type decimal struct {
	neg          bool
	whole_, frac string
}

// maxDigits is how many digits a number in a schema may have, its zeros written out.
const maxDigits = 40

func parseDecimal(n json.Number) (decimal, error) {
	s := n.String()
	var d decimal
	s, d.neg = strings.TrimPrefix(s, "-"), strings.HasPrefix(s, "-")
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(strings.TrimPrefix(s[i+1:], "+"))
		if err != nil || e > maxDigits || e < -maxDigits {
			return d, errors.New("exponent")
		}
		s, exp = s[:i], e
	}
	whole, frac, _ := strings.Cut(s, ".")
	switch {
	case exp > 0:
		frac += strings.Repeat("0", max(0, exp-len(frac)))
		whole, frac = whole+frac[:exp], frac[exp:]
	case exp < 0:
		whole = strings.Repeat("0", max(0, -exp-len(whole))) + whole
		whole, frac = whole[:len(whole)+exp], whole[len(whole)+exp:]+frac
	}
	d.whole_, d.frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if len(d.whole_)+len(d.frac) > maxDigits {
		return d, errors.New("digits")
	}
	return d, nil
}

func (d decimal) zero() bool  { return d.whole_ == "" && d.frac == "" }
func (d decimal) whole() bool { return d.frac == "" }

// small returns the number as an int if it is a whole one that fits.
func (d decimal) small() (int, bool) {
	if d.zero() {
		return 0, true
	}
	n, err := strconv.Atoi(d.whole_)
	return n, err == nil && d.whole()
}

// cmp compares like cmp.Compare.
func (d decimal) cmp(e decimal) int {
	if d.zero() && e.zero() {
		return 0
	}
	if d.neg != e.neg {
		if d.neg && !d.zero() || e.zero() && d.neg {
			return -1
		}
		if e.neg && !e.zero() {
			return 1
		}
		return d.magnitude(e) // one of them is a zero with a sign
	}
	if d.neg {
		return e.magnitude(d)
	}
	return d.magnitude(e)
}

func (d decimal) magnitude(e decimal) int {
	if len(d.whole_) != len(e.whole_) {
		return len(d.whole_) - len(e.whole_)
	}
	if c := strings.Compare(d.whole_, e.whole_); c != 0 {
		return c
	}
	return strings.Compare(d.frac, e.frac)
}
