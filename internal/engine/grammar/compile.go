package grammar

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"rbee/internal/gbnf"
)

// New reads a grammar. The error is an INVALID_REQUEST that names the place.
func New(text string) (*Grammar, error) {
	read, err := gbnf.Parse(text)
	if err != nil {
		return nil, err
	}
	c := compiler{g: &Grammar{}, ids: map[string]int32{}}
	names := slices.Sorted(maps.Keys(read.Rules))
	for _, name := range names {
		c.ids[name] = c.g.newRule()
	}
	for _, name := range names {
		c.alternatives(c.ids[name], read.Rules[name])
	}
	c.g.root = c.ids[gbnf.Root]
	return c.g, nil
}

type compiler struct {
	g   *Grammar
	ids map[string]int32 // of named rules
}

func (c *compiler) alternatives(rule int32, n gbnf.Node) {
	if alt, ok := n.(gbnf.Alt); ok {
		for _, n := range alt {
			c.g.addAlternative(rule, c.sequence(nil, n))
		}
		return
	}
	c.g.addAlternative(rule, c.sequence(nil, n))
}

// sequence appends the instructions for n.
func (c *compiler) sequence(to []instr, n gbnf.Node) []instr {
	switch n := n.(type) {
	case gbnf.Literal:
		for _, r := range n {
			to = append(to, instr{opMatch, c.g.classOf([]runeRange{{r, r}})})
		}
	case gbnf.Class:
		ranges := make([]runeRange, len(n.Ranges))
		for i, r := range n.Ranges {
			ranges[i] = runeRange{r.Low, r.High}
		}
		if n.Negated {
			ranges = complement(ranges)
		}
		to = append(to, instr{opMatch, c.g.classOf(ranges)})
	case gbnf.Any:
		to = append(to, instr{opMatch, c.g.classOf([]runeRange{{0, utf8.MaxRune}})})
	case gbnf.Ref:
		to = append(to, instr{opCall, c.ids[string(n)]})
	case gbnf.Seq:
		for _, n := range n {
			to = c.sequence(to, n)
		}
	case gbnf.Alt:
		rule := c.g.newRule()
		c.alternatives(rule, n)
		to = append(to, instr{opCall, rule})
	case gbnf.Repeat:
		to = c.repeat(to, n)
	default:
		panic(fmt.Sprintf("grammar: no such node: %T", n))
	}
	return to
}

// repeat writes out a repetition: what must be there so often, then a rule for the rest.
//
//	x{2,}  = x x S    S = x S |
//	x{2,4} = x x A    A = x B |    B = x |
func (c *compiler) repeat(to []instr, n gbnf.Repeat) []instr {
	element := c.sequence(nil, n.Node)
	if len(element) != 1 { // one more of it must not cost more than a call
		rule := c.g.newRule()
		c.g.addAlternative(rule, element)
		element = []instr{{opCall, rule}}
	}
	for range n.Min {
		to = append(to, element...)
	}
	if n.Max < 0 {
		rule := c.g.newRule()
		c.optional(rule, element, []instr{{opCall, rule}})
		return append(to, instr{opCall, rule})
	}
	var rest []instr
	for range n.Max - n.Min {
		rule := c.g.newRule()
		c.optional(rule, element, rest)
		rest = []instr{{opCall, rule}}
	}
	return append(to, rest...)
}

// optional makes a rule: an element and what follows it, or nothing.
func (c *compiler) optional(rule int32, element, rest []instr) {
	c.g.addAlternative(rule, append(slices.Clone(element), rest...))
	c.g.addAlternative(rule, nil)
}
