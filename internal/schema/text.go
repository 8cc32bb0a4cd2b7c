package schema

import (
	"rbee/internal/gbnf"
)

// text compiles a string.
func (c *compiler) text(parts []part) (gbnf.Node, error) {
	low, high, path, err := bounds(parts, "minLength", "maxLength")
	if err != nil {
		return nil, err
	}
	if high >= 0 && low > high {
		return c.b.cannot(path, "no text has at least %d and at most %d characters", low, high), nil
	}
	shape, err := c.shapeOf(parts)
	if err != nil {
		return nil, err
	}
	if shape == nil {
		if low == 0 && high < 0 {
			return c.b.anyString(), nil
		}
		return seq(lit(`"`), c.b.times(c.b.char(), low, high), lit(`"`)), nil
	}
	if !shape.within(low, high) {
		return nil, refuse(path, "the length cannot be held together with %s", shape.keyword).
			WithHint("say the length in the pattern: ^[a-z]{2,5}$")
	}
	return seq(lit(`"`), shape.node, lit(`"`)), nil
}

// shape is what a pattern or a format makes of a text.
type shape struct {
	keyword   string
	node      gbnf.Node
	low, high int                           // its characters; high -1 = no limit
	repeat    func(low, high int) gbnf.Node // set if it is one thing over and over: made anew with other bounds
}

// within narrows the shape to a length and reports whether that was possible.
func (s *shape) within(low, high int) bool {
	if s.low >= low && (high < 0 || s.high >= 0 && s.high <= high) {
		return true
	}
	if s.repeat == nil {
		return false
	}
	low = max(low, s.low)
	if high < 0 || s.high >= 0 && s.high < high {
		high = s.high
	}
	if high >= 0 && low > high {
		s.node = gbnf.Alt{}
		return true
	}
	s.node = s.repeat(low, high)
	return true
}

// shapeOf returns what the pattern or the format of the parts asks for, nil if neither is there.
func (c *compiler) shapeOf(parts []part) (*shape, error) {
	var found *shape
	var said string
	err := each(parts, "pattern", func(v any, at string) error {
		pattern, ok := v.(string)
		if !ok {
			return refuse(at, "it must be a text")
		}
		if found != nil {
			if pattern == said {
				return nil
			}
			return refuse(at, "two patterns for one text cannot be held while an answer is made")
		}
		said = pattern
		s, err := c.pattern(pattern, at)
		found = s
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, each(parts, "format", func(v any, at string) error {
		name, _ := v.(string)
		make, ok := formats[name]
		if !ok {
			return nil // unknown formats only tell
		}
		if found != nil {
			if said == name {
				return nil
			}
			return refuse(at, "a format beside a pattern or another format cannot be held while an answer is made")
		}
		said = name
		node := make(c.b)
		low, high := lengthOf(node, c.b.rules)
		found = &shape{keyword: "the format " + name, node: node, low: low, high: high}
		return nil
	})
}

// lengthOf counts the characters of a node without escapes and recursion.
func lengthOf(n gbnf.Node, rules map[string]gbnf.Node) (low, high int) {
	switch n := n.(type) {
	case gbnf.Literal:
		return len(n), len(n)
	case gbnf.Class, gbnf.Any:
		return 1, 1
	case gbnf.Ref:
		return lengthOf(rules[string(n)], rules)
	case gbnf.Seq:
		for _, e := range n {
			l, h := lengthOf(e, rules)
			low += l
			if high >= 0 && h >= 0 {
				high += h
			} else {
				high = -1
			}
		}
	case gbnf.Alt:
		for i, e := range n {
			l, h := lengthOf(e, rules)
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
	case gbnf.Repeat:
		l, h := lengthOf(n.Node, rules)
		low, high = l*n.Min, -1
		if n.Max >= 0 && h >= 0 {
			high = h * n.Max
		}
	}
	return low, high
}
