package schema

import (
	"rbee/internal/gbnf"
)

// array compiles an array: first what has a schema of its own by its place, then the rest.
func (c *compiler) array(parts []part) (gbnf.Node, error) {
	low, high, path, err := bounds(parts, "minItems", "maxItems")
	if err != nil {
		return nil, err
	}
	var first [][]part // by place
	var rest []part
	closed := false
	for _, p := range parts {
		places, others, err := itemsOf(p)
		if err != nil {
			return nil, err
		}
		for i := range places {
			if i == len(first) {
				first = append(first, append([]part(nil), rest...)) // places beyond another part's own are its rest
			}
		}
		for i := range first {
			if i < len(places) {
				first[i] = append(first[i], places[i])
			} else if others != nil {
				first[i] = append(first[i], *others)
			}
		}
		if others != nil {
			closed = closed || others.schema == false
			rest = append(rest, *others)
		}
	}
	if err := c.unique(parts, high); err != nil {
		return nil, err
	}
	if closed && (high < 0 || high > len(first)) {
		high = len(first)
	}
	if high >= 0 && low > high {
		return c.b.cannot(path, "no array has at least %d and at most %d items", low, high), nil
	}
	nodes := make([]gbnf.Node, 0, len(first))
	for i := range first {
		if high >= 0 && i >= high {
			break
		}
		n, err := c.inside(first[i])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	var more gbnf.Node
	if high < 0 || high > len(nodes) {
		if more, err = c.inside(rest); err != nil {
			return nil, err
		}
	}
	return c.b.listOf(nodes, more, low, high), nil
}

// itemsOf returns the schemas of one part's items, by place and for the rest; nil = any.
func itemsOf(p part) (places []part, others *part, err error) {
	o := p.schema.(*object)
	if places, err = list(o, "prefixItems", p.path); err != nil {
		return nil, nil, err
	}
	take := func(keyword string) {
		if v, ok := o.get(keyword); ok {
			others = &part{schema: v, path: p.path + "/" + keyword}
		}
	}
	take("unevaluatedItems")
	if v, _ := o.get("items"); v != nil {
		if _, old := v.([]any); old { // before 2020 the places were called items, and the rest additionalItems
			places, err = list(o, "items", p.path)
			take("additionalItems")
			return places, others, err
		}
		take("items")
	}
	return places, others, nil
}

// unique refuses uniqueItems, which would need a grammar that remembers.
func (c *compiler) unique(parts []part, high int) error {
	return each(parts, "uniqueItems", func(v any, at string) error {
		if v == true && (high < 0 || high > 1) {
			return refuse(at, "it cannot be held while an answer is made").WithHint("leave it out, or set maxItems to 1")
		}
		return nil
	})
}

// listOf writes an array: nodes by place, then more of the same (nil = none), low to high in all (-1 = no limit).
func (b *Builder) listOf(nodes []gbnf.Node, more gbnf.Node, low, high int) gbnf.Node {
	comma := func(n gbnf.Node) gbnf.Node { return seq(lit(","), b.Space(), n) }
	var tail gbnf.Node = gbnf.Seq{} // from the place behind nodes on, with its comma
	if more != nil {
		if high >= 0 {
			high -= len(nodes)
		}
		next := b.Rule("more", comma(more))
		if len(nodes) == 0 {
			again := b.times(next, max(0, low-1), max(-1, high-1))
			all := seq(more, again, b.Space())
			if high == 0 {
				all = gbnf.Seq{}
			} else if low == 0 {
				all = opt(all)
			}
			return seq(lit("["), b.Space(), all, lit("]"))
		}
		tail = b.times(next, max(0, low-len(nodes)), high)
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if i > 0 {
			n = comma(n)
		}
		tail = seq(n, tail)
		if i == 0 {
			tail = seq(tail, b.Space())
		}
		if i >= low {
			tail = opt(tail)
		}
		if i > 0 {
			tail = b.Rule("tail", tail)
		}
	}
	return seq(lit("["), b.Space(), tail, lit("]"))
}
