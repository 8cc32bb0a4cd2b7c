package schema

import (
	"encoding/json"
	"strings"

	"rbee/internal/gbnf"
)

// What a number may have where nobody says: it must be read by everybody, and a model must not go on for ever.
const (
	wholeDigits = 15
	fracDigits  = 15
)

// numbers is an interval, and how fine its numbers are.
type numbers struct {
	low, high             *decimal // nil = none
	lowStrict, highStrict bool     // without the end itself
	zeros                 int      // multiples of 10^zeros; below 0: at most so many digits behind the point; unset: fine
	step                  bool     // zeros is set
	path                  string
}

// anyNumber is what a JSON reader takes, with bounded digits.
func (b *Builder) anyNumber() gbnf.Node {
	return b.fixed("number", func() gbnf.Node {
		return seq(opt(lit("-")), b.wholePart(),
			opt(seq(lit("."), digits(1, fracDigits))),
			opt(seq(class(one('e'), one('E')), opt(class(one('+'), one('-'))), digits(1, 2))))
	})
}

func (b *Builder) anyInteger() gbnf.Node {
	return b.fixed("integer", func() gbnf.Node {
		return gbnf.Alt{lit("0"), seq(opt(lit("-")), digit('1', '9'), digits(0, wholeDigits-1))}
	})
}

func (b *Builder) wholePart() gbnf.Node {
	return b.fixed("whole", func() gbnf.Node {
		return gbnf.Alt{lit("0"), seq(digit('1', '9'), digits(0, wholeDigits-1))}
	})
}

func (c *compiler) number(parts []part, integer bool) (gbnf.Node, error) {
	r, err := readRange(parts)
	if err != nil {
		return nil, err
	}
	if integer && (!r.step || r.zeros < 0) {
		r.step, r.zeros = true, 0
	}
	if r.low == nil && r.high == nil && (!r.step || r.zeros == 0) {
		if r.step {
			return c.b.anyInteger(), nil
		}
		return c.b.anyNumber(), nil
	}
	if r.low != nil && r.high != nil {
		if d := r.low.cmp(*r.high); d > 0 || d == 0 && (r.lowStrict || r.highStrict) {
			return c.b.cannot(r.path, "no number is above its lower and below its upper limit"), nil
		}
	}
	return c.b.interval(r), nil
}

// readRange reads the limits of all parts.
func readRange(parts []part) (numbers, error) {
	r := numbers{path: parts[0].path}
	limit := func(upper, strict bool) func(any, string) error {
		return func(v any, at string) error {
			if v == true || v == false { // draft 4: see below
				return nil
			}
			n, ok := v.(json.Number)
			if !ok {
				return refuse(at, "it must be a number")
			}
			d, err := parseDecimal(n)
			if err != nil {
				return refuse(at, "the number %s has too many digits", short(n.String()))
			}
			r.path = at
			r.tighten(d, upper, strict)
			return nil
		}
	}
	for _, p := range parts {
		one := []part{p}
		o := p.schema.(*object)
		for _, l := range []struct {
			key, strictKey string
			upper          bool
		}{{"minimum", "exclusiveMinimum", false}, {"maximum", "exclusiveMaximum", true}} {
			strict, _ := o.get(l.strictKey)
			if err := each(one, l.key, limit(l.upper, strict == true)); err != nil {
				return r, err
			}
			if err := each(one, l.strictKey, limit(l.upper, true)); err != nil {
				return r, err
			}
		}
	}
	return r, each(parts, "multipleOf", r.multiple)
}

func (r *numbers) tighten(d decimal, upper, strict bool) {
	end, open := &r.low, &r.lowStrict
	if upper {
		end, open = &r.high, &r.highStrict
	}
	if *end != nil {
		c := d.cmp(**end)
		if upper {
			c = -c
		}
		if c < 0 || c == 0 && !strict {
			return
		}
	}
	*end, *open = &d, strict
}

// multiple reads a power of ten; others would need a grammar that calculates.
func (r *numbers) multiple(v any, at string) error {
	n, _ := v.(json.Number)
	d, err := parseDecimal(n)
	digits := d.whole_ + d.frac
	if err != nil || d.neg || strings.Trim(digits, "0") != "1" {
		return refuse(at, "only powers of ten (100, 1, 0.01) can be held while an answer is made, not %s", short(encode(v)))
	}
	zeros := len(d.whole_) - 1
	if d.whole_ == "" {
		zeros = -len(d.frac)
	}
	if !r.step || zeros > r.zeros {
		r.step, r.zeros = true, zeros
	}
	return nil
}

// has reports whether a number is in it.
func (r numbers) has(d decimal) bool {
	if r.low != nil {
		if c := d.cmp(*r.low); c < 0 || c == 0 && r.lowStrict {
			return false
		}
	}
	if r.high != nil {
		if c := d.cmp(*r.high); c > 0 || c == 0 && r.highStrict {
			return false
		}
	}
	switch {
	case !r.step:
		return true
	case r.zeros <= 0:
		return len(d.frac) <= -r.zeros
	}
	return d.whole() && strings.HasSuffix(d.whole_, strings.Repeat("0", r.zeros)) || d.zero()
}
