package schema

import (
	"slices"

	"rbee/internal/gbnf"
)

// object compiles an object: the properties in the schema's order, then others where the schema asks for them.
func (c *compiler) object(parts []part) (gbnf.Node, error) {
	names, required, err := propertiesOf(parts)
	if err != nil {
		return nil, err
	}
	extra, open, err := c.extra(parts, len(names) > 0)
	if err != nil {
		return nil, err
	}
	for _, name := range required {
		if !slices.Contains(names, name) {
			names = append(names, name) // one that nobody describes may be anything
		}
	}
	members := make([]member, 0, len(names))
	for _, name := range names {
		of, err := propertyParts(parts, name)
		if err != nil {
			return nil, err
		}
		value, err := c.inside(of)
		if err != nil {
			return nil, err
		}
		node := seq(lit(encode(name)), c.b.Space(), lit(":"), c.b.Space(), value)
		members = append(members, member{node, slices.Contains(required, name)})
	}
	low, high, path, err := bounds(parts, "minProperties", "maxProperties")
	if err != nil {
		return nil, err
	}
	if high >= 0 && len(required) > high {
		return c.b.cannot(path, "%d properties are required and %d are allowed", len(required), high), nil
	}
	if len(members) == 0 && open {
		if len(extra) == 0 && low == 0 && high < 0 {
			return c.b.anyObject(), nil
		}
		return c.dictionary(extra, low, high, path)
	}
	if low > len(required) || high >= 0 && (open || high < len(members)) {
		if !open && low > len(members) {
			return c.b.cannot(path, "%d properties are asked for, and there are only %d", low, len(members)), nil
		}
		return nil, refuse(path, "the number of properties cannot be held while an answer is made").
			WithHint("say which properties are required")
	}
	var others gbnf.Node
	if open {
		value, err := c.inside(extra)
		if err != nil {
			return nil, err
		}
		others = seq(c.b.keyBut(names), c.b.Space(), lit(":"), c.b.Space(), value)
	}
	return c.b.membersOf(members, others), nil
}

type member struct {
	node     gbnf.Node
	required bool
}

// dictionary is an object of which only the values are known.
func (c *compiler) dictionary(extra []part, low, high int, path string) (gbnf.Node, error) {
	value, err := c.inside(extra)
	if err != nil {
		return nil, err
	}
	if low > 1 || high > 1 { // two members could have one key, which is one property
		return nil, refuse(path, "the number of properties cannot be held while an answer is made").
			WithHint("say which properties there are")
	}
	entry := c.b.Rule("entry", seq(c.b.anyString(), c.b.Space(), lit(":"), c.b.Space(), value))
	all := gbnf.Node(gbnf.Seq{})
	if high != 0 {
		more := c.b.Rule("more", seq(lit(","), c.b.Space(), entry))
		all = seq(entry, gbnf.Repeat{Node: more, Max: max(-1, high-1)}, c.b.Space())
		if low == 0 {
			all = opt(all)
		}
	}
	return seq(lit("{"), c.b.Space(), all, lit("}")), nil
}

// membersOf writes the members in order, commas between those that are there. tail(i) is what may follow a member
// that was there, from the i-th on; it is a rule, so that the whole grows with the members and not with their square.
func (b *Builder) membersOf(members []member, others gbnf.Node) gbnf.Node {
	comma := func(n gbnf.Node) gbnf.Node { return seq(lit(","), b.Space(), n) }
	var tail, start gbnf.Node = gbnf.Seq{}, gbnf.Seq{}
	if others != nil {
		other := b.Rule("other", others)
		more := b.Rule("more", comma(other))
		tail = b.Rule("others", gbnf.Repeat{Node: more, Max: -1})
		start = opt(seq(other, tail))
	}
	for _, m := range slices.Backward(members) {
		node := b.Rule("member", m.node)
		first := seq(node, tail)
		if !m.required {
			start = b.Rule("members", gbnf.Alt{first, start})
			tail = b.Rule("members", gbnf.Alt{seq(comma(node), tail), tail})
			continue
		}
		start = first
		tail = b.Rule("members", seq(comma(node), tail))
	}
	return seq(lit("{"), b.Space(), start, b.Space(), lit("}"))
}
