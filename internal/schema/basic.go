package schema

import "rbee/internal/gbnf"

func lit(s string) gbnf.Node { return gbnf.Literal([]rune(s)) }

func seq(n ...gbnf.Node) gbnf.Node { return gbnf.Seq(n) }

func opt(n gbnf.Node) gbnf.Node { return gbnf.Repeat{Node: n, Max: 1} }

func class(ranges ...gbnf.Range) gbnf.Node { return gbnf.Class{Ranges: ranges} }

func digit(low, high rune) gbnf.Node {
	if low == high {
		return gbnf.Literal{low}
	}
	return class(gbnf.Range{Low: low, High: high})
}

func digits(low, high int) gbnf.Node { return gbnf.Repeat{Node: digit('0', '9'), Min: low, Max: high} }

var hex = class(gbnf.Range{Low: '0', High: '9'}, gbnf.Range{Low: 'a', High: 'f'}, gbnf.Range{Low: 'A', High: 'F'})

// Space is the white space between the parts of a JSON text: none, one blank, or a new line with some indentation. It
// is bounded, as models like to go on with it.
func (b *Builder) Space() gbnf.Node {
	return b.fixed("ws", func() gbnf.Node {
		blank := class(gbnf.Range{Low: ' ', High: ' '}, gbnf.Range{Low: '\t', High: '\t'})
		return gbnf.Alt{gbnf.Seq{}, lit(" "), seq(lit("\n"), gbnf.Repeat{Node: blank, Max: 16})}
	})
}

// char is one character of a string. Of the escapes by number those are left out that are half a character: a pair of
// them would be one character for a reader and two for a length.
func (b *Builder) char() gbnf.Node {
	return b.fixed("char", func() gbnf.Node {
		return gbnf.Alt{
			b.plain(),
			seq(lit(`\`), class(one('"'), one('\\'), one('b'), one('f'), one('n'), one('r'), one('t'))),
			seq(lit(`\u`), gbnf.Alt{
				seq(class(gbnf.Range{Low: '0', High: '9'}, gbnf.Range{Low: 'a', High: 'c'}, one('e'), one('f'),
					gbnf.Range{Low: 'A', High: 'C'}, one('E'), one('F')), gbnf.Repeat{Node: hex, Min: 3, Max: 3}),
				seq(class(one('d'), one('D')), digit('0', '7'), gbnf.Repeat{Node: hex, Min: 2, Max: 2}),
			}),
		}
	})
}

// plain is a character that stands for itself in a string.
func (b *Builder) plain() gbnf.Node {
	return b.fixed("plain", func() gbnf.Node {
		return gbnf.Class{Negated: true, Ranges: append([]gbnf.Range{}, notPlain...)}
	})
}

var notPlain = []gbnf.Range{{Low: 0, High: 0x1f}, one('"'), one('\\'), one(0x7f)}

func one(r rune) gbnf.Range { return gbnf.Range{Low: r, High: r} }

func (b *Builder) anyString() gbnf.Node {
	return b.fixed("string", func() gbnf.Node {
		return seq(lit(`"`), gbnf.Repeat{Node: b.char(), Max: -1}, lit(`"`))
	})
}

func (b *Builder) anyObject() gbnf.Node {
	return b.fixed("object", func() gbnf.Node { return b.mapOf(b.anyString(), b.anyValue()) })
}

func (b *Builder) anyArray() gbnf.Node {
	return b.fixed("array", func() gbnf.Node { return b.listOf(nil, b.anyValue(), 0, -1) })
}

func (b *Builder) anyValue() gbnf.Node {
	return b.fixed("value", func() gbnf.Node {
		return gbnf.Alt{b.anyObject(), b.anyArray(), b.anyString(), b.anyNumber(), lit("true"), lit("false"), lit("null")}
	})
}

// mapOf is an object with any number of members.
func (b *Builder) mapOf(key, value gbnf.Node) gbnf.Node {
	member := b.Rule("member", seq(key, b.Space(), lit(":"), b.Space(), value))
	more := b.Rule("more", seq(lit(","), b.Space(), member))
	return seq(lit("{"), b.Space(), opt(seq(member, gbnf.Repeat{Node: more, Max: -1}, b.Space())), lit("}"))
}

// chunk is how many repetitions are written as one; llama.cpp takes no more than gbnf.MaxRepeat.
const chunk = 1000

// times is n from low to high times (-1 = no limit), in pieces where one repetition cannot say it. n must be one rule.
func (b *Builder) times(n gbnf.Node, low, high int) gbnf.Node {
	var out gbnf.Seq
	for ; low > chunk; low, high = low-chunk, high-chunk {
		out = append(out, gbnf.Repeat{Node: n, Min: chunk, Max: chunk})
		if high < 0 {
			high += chunk // without limit it stays
		}
	}
	if high >= 0 && high > chunk {
		rest := b.upTo(n, high-low)
		return append(out, gbnf.Repeat{Node: n, Min: low, Max: low}, rest)
	}
	return append(out, gbnf.Repeat{Node: n, Min: low, Max: high})
}

func (b *Builder) upTo(n gbnf.Node, high int) gbnf.Node {
	if high <= chunk {
		return gbnf.Repeat{Node: n, Max: high}
	}
	return b.Rule("upto", gbnf.Alt{
		seq(gbnf.Repeat{Node: n, Min: chunk, Max: chunk}, b.upTo(n, high-chunk)),
		gbnf.Repeat{Node: n, Max: chunk - 1},
	})
}
