package schema

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"

	"rbee/internal/gbnf"
)

// pattern makes a regular expression into the texts it matches. Where it is not anchored anything may stand before and
// behind, as the specification says. Assertions inside and letters without case are refused.
func (c *compiler) pattern(pattern, at string) (*shape, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, refuse(at, "it is not a regular expression that can be read: %v", err)
	}
	p := patterns{b: c.b, at: at}
	s := p.top(re)
	s.keyword = "the pattern"
	return s, p.err
}

type patterns struct {
	b   *Builder
	at  string
	err error
}

func (p *patterns) refuse(what string) gbnf.Node {
	if p.err == nil {
		p.err = refuse(p.at, "%s in a pattern cannot be held while an answer is made", what)
	}
	return gbnf.Alt{}
}

// top handles the anchors, which may only stand at the ends of the whole or of its alternatives.
func (p *patterns) top(re *syntax.Regexp) *shape {
	for re.Op == syntax.OpCapture && len(re.Sub) == 1 && (re.Sub[0].Op == syntax.OpConcat || re.Sub[0].Op == syntax.OpAlternate) {
		re = re.Sub[0]
	}
	if re.Op == syntax.OpAlternate {
		out := &shape{low: -1}
		var alt gbnf.Alt
		for _, sub := range re.Sub {
			s := p.top(sub)
			alt = append(alt, s.node)
			if out.low < 0 {
				out.low, out.high = s.low, s.high
				continue
			}
			out.low = min(out.low, s.low)
			if out.high >= 0 {
				out.high = max(out.high, s.high)
			}
			if s.high < 0 {
				out.high = -1
			}
		}
		out.node = alt
		return out
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = slices.Clone(re.Sub)
	}
	before, behind := true, true
	for len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		before, parts = false, parts[1:]
	}
	for len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText {
		behind, parts = false, parts[:len(parts)-1]
	}
	if len(parts) == 1 && !before && !behind {
		return p.single(parts[0])
	}
	s := &shape{}
	s.low, s.high = lengths(&syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
	var nodes gbnf.Seq
	for _, sub := range parts {
		nodes = append(nodes, p.node(sub))
	}
	anything := gbnf.Repeat{Node: p.b.char(), Max: -1}
	if before {
		nodes = append(gbnf.Seq{anything}, nodes...)
	}
	if behind {
		nodes = append(nodes, anything)
	}
	if before || behind {
		s.high = -1
	}
	s.node = nodes
	return s
}

// single is a pattern that is one thing, perhaps over and over.
func (p *patterns) single(re *syntax.Regexp) *shape {
	low, high := lengths(re)
	s := &shape{node: p.node(re), low: low, high: high}
	min, max, ok := repetition(re)
	if ok && isChar(re.Sub[0]) {
		item := p.b.Rule("char", p.node(re.Sub[0]))
		s.low, s.high = min, max
		s.repeat = func(low, high int) gbnf.Node { return p.b.times(item, low, high) }
		s.node = s.repeat(min, max)
	}
	return s
}

func isChar(re *syntax.Regexp) bool {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return re.Op == syntax.OpCharClass || re.Op == syntax.OpAnyChar || re.Op == syntax.OpAnyCharNotNL ||
		re.Op == syntax.OpLiteral && len(re.Rune) == 1
}

func repetition(re *syntax.Regexp) (low, high int, ok bool) {
	switch re.Op {
	case syntax.OpStar:
		return 0, -1, true
	case syntax.OpPlus:
		return 1, -1, true
	case syntax.OpQuest:
		return 0, 1, true
	case syntax.OpRepeat:
		return re.Min, re.Max, true
	}
	return 0, 0, false
}

func (p *patterns) node(re *syntax.Regexp) gbnf.Node {
	if low, high, ok := repetition(re); ok {
		inner := p.node(re.Sub[0])
		if l, _ := lengths(re.Sub[0]); l == 0 && high < 0 {
			return p.refuse("a repetition of what may be empty")
		}
		return p.b.times(p.b.Rule("re", inner), low, high)
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return gbnf.Seq{}
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return p.refuse("(?i)")
		}
		out := gbnf.Seq{}
		for _, r := range re.Rune {
			out = append(out, charNode(r))
		}
		return out
	case syntax.OpCharClass:
		return classNode(re.Rune)
	case syntax.OpAnyChar:
		return classNode([]rune{0, utf8.MaxRune})
	case syntax.OpAnyCharNotNL:
		return classNode([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune})
	case syntax.OpCapture:
		return p.node(re.Sub[0])
	case syntax.OpConcat:
		out := gbnf.Seq{}
		for _, sub := range re.Sub {
			out = append(out, p.node(sub))
		}
		return out
	case syntax.OpAlternate:
		out := gbnf.Alt{}
		for _, sub := range re.Sub {
			out = append(out, p.node(sub))
		}
		return out
	case syntax.OpNoMatch:
		return gbnf.Alt{}
	}
	return p.refuse("an anchor or a word boundary inside")
}

// charNode is a character as it stands in a JSON string.
func charNode(r rune) gbnf.Node { return lit(escaped(r)) }

// classNode is one of some characters (pairs: from, to) as they stand in a JSON string: those that need an escape
// stand for themselves, as alternatives.
func classNode(pairs []rune) gbnf.Node {
	var plain gbnf.Class
	var out gbnf.Alt
	special := []rune{'"', '\\', '\n', '\r', '\t'}
	for i := 0; i+1 < len(pairs); i += 2 {
		for low, high := pairs[i], pairs[i+1]; low <= high; {
			next := high + 1 // the first behind this piece
			if low < 0x20 {
				if slices.Contains(special, low) {
					out = append(out, charNode(low))
				}
				low++
				continue
			}
			for _, cut := range []rune{'"', '\\', 0x7f} {
				if low == cut {
					if cut != 0x7f {
						out = append(out, charNode(cut))
					}
					next = 0
					break
				}
				if low < cut && cut < next {
					next = cut
				}
			}
			if next == 0 {
				low++
				continue
			}
			plain.Ranges = append(plain.Ranges, gbnf.Range{Low: low, High: next - 1})
			low = next
		}
	}
	if len(plain.Ranges) > 0 {
		out = append(gbnf.Alt{plain}, out...)
	}
	return out
}

// lengths counts the characters a regular expression may match; high -1 = no limit.
func lengths(re *syntax.Regexp) (low, high int) {
	if min, max, ok := repetition(re); ok {
		l, h := lengths(re.Sub[0])
		if max < 0 || h < 0 {
			return l * min, -1
		}
		return l * min, h * max
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune), len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, 1
	case syntax.OpCapture:
		return lengths(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			l, h := lengths(sub)
			low += l
			if high >= 0 && h >= 0 {
				high += h
			} else {
				high = -1
			}
		}
	case syntax.OpAlternate:
		for i, sub := range re.Sub {
			l, h := lengths(sub)
			if i == 0 {
				low, high = l, h
				continue
			}
			low = min(low, l)
			if high < 0 || h < 0 {
				high = -1
			} else {
				high = max(high, h)
			}
		}
	}
	return low, high
}
