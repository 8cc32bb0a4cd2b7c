package schema

import (
	"rbee/internal/gbnf"
)

// formats are those that an answer is held to. The others only tell.
var formats = map[string]func(*Builder) gbnf.Node{
	"date":      (*Builder).date,
	"time":      (*Builder).clock,
	"date-time": func(b *Builder) gbnf.Node { return seq(b.date(), lit("T"), b.clock()) },
	"duration":  (*Builder).duration,
	"uuid":      (*Builder).uuid,
	"ipv4":      (*Builder).ipv4,
	"ipv6":      (*Builder).ipv6,
	"hostname":  (*Builder).hostname,
	"email":     (*Builder).email,
	"uri":       (*Builder).uri,
}

func words(list ...string) gbnf.Node {
	var out gbnf.Alt
	for _, w := range list {
		out = append(out, lit(w))
	}
	return out
}

func (b *Builder) date() gbnf.Node {
	return b.fixed("date", func() gbnf.Node {
		day28 := gbnf.Alt{seq(lit("0"), digit('1', '9')), seq(lit("1"), digit('0', '9')), seq(lit("2"), digit('0', '8'))}
		year := digits(4, 4)
		// Every fourth year is a leap year, but of the full centuries only every fourth.
		four := gbnf.Alt{
			seq(lit("0"), class(one('4'), one('8'))),
			seq(class(one('2'), one('4'), one('6'), one('8')), class(one('0'), one('4'), one('8'))),
			seq(class(one('1'), one('3'), one('5'), one('7'), one('9')), class(one('2'), one('6'))),
		}
		leap := gbnf.Alt{seq(digits(2, 2), four), seq(four, lit("00"))}
		return gbnf.Alt{
			seq(year, lit("-"), gbnf.Alt{words("01", "03", "05", "07", "08", "10", "12")}, lit("-"), gbnf.Alt{day28, words("29", "30", "31")}),
			seq(year, lit("-"), gbnf.Alt{words("04", "06", "09", "11")}, lit("-"), gbnf.Alt{day28, words("29", "30")}),
			seq(year, lit("-02-"), day28),
			seq(leap, lit("-02-29")),
		}
	})
}

func (b *Builder) clock() gbnf.Node {
	return b.fixed("time", func() gbnf.Node {
		hour := gbnf.Alt{seq(class(one('0'), one('1')), digit('0', '9')), seq(lit("2"), digit('0', '3'))}
		sixty := seq(digit('0', '5'), digit('0', '9'))
		return seq(hour, lit(":"), sixty, lit(":"), sixty, opt(seq(lit("."), digits(1, 9))),
			gbnf.Alt{lit("Z"), seq(class(one('+'), one('-')), hour, lit(":"), sixty)})
	})
}

func (b *Builder) duration() gbnf.Node {
	return b.fixed("duration", func() gbnf.Node {
		n := func(unit string) gbnf.Node { return seq(digits(1, 6), lit(unit)) }
		// Units may be left out at both ends, not in the middle.
		clock := seq(lit("T"), gbnf.Alt{
			seq(n("H"), opt(seq(n("M"), opt(n("S"))))), seq(n("M"), opt(n("S"))), n("S")})
		days := gbnf.Alt{seq(n("Y"), opt(seq(n("M"), opt(n("D"))))), seq(n("M"), opt(n("D"))), n("D")}
		return seq(lit("P"), gbnf.Alt{seq(days, opt(clock)), clock, n("W")})
	})
}

func (b *Builder) uuid() gbnf.Node {
	return b.fixed("uuid", func() gbnf.Node {
		h := func(n int) gbnf.Node { return gbnf.Repeat{Node: hex, Min: n, Max: n} }
		return seq(h(8), lit("-"), h(4), lit("-"), h(4), lit("-"), h(4), lit("-"), h(12))
	})
}

func (b *Builder) ipv4() gbnf.Node {
	return b.fixed("ipv4", func() gbnf.Node {
		octet := b.Rule("octet", gbnf.Alt{
			digit('0', '9'), seq(digit('1', '9'), digit('0', '9')), seq(lit("1"), digits(2, 2)),
			seq(lit("2"), digit('0', '4'), digit('0', '9')), seq(lit("25"), digit('0', '5'))})
		return seq(octet, lit("."), octet, lit("."), octet, lit("."), octet)
	})
}

func (b *Builder) ipv6() gbnf.Node {
	return b.fixed("ipv6", func() gbnf.Node {
		group := b.Rule("group", gbnf.Repeat{Node: hex, Min: 1, Max: 4})
		next := b.Rule("group", seq(lit(":"), group))
		out := gbnf.Alt{seq(group, gbnf.Repeat{Node: next, Min: 7, Max: 7})}
		// One :: stands for at least one group of zeros: so many before it, the rest behind.
		for before := 0; before <= 6; before++ {
			head := gbnf.Node(gbnf.Seq{})
			if before > 0 {
				head = seq(group, gbnf.Repeat{Node: next, Min: before - 1, Max: before - 1})
			}
			behind := gbnf.Node(gbnf.Seq{})
			if room := 6 - before; room > 0 {
				behind = opt(seq(group, gbnf.Repeat{Node: next, Max: room - 1}))
			}
			out = append(out, seq(head, lit("::"), behind))
		}
		return out
	})
}

var alphanumeric = []gbnf.Range{{Low: 'a', High: 'z'}, {Low: 'A', High: 'Z'}, {Low: '0', High: '9'}}

// hostname is labels of letters and digits, with single hyphens inside, the last without digits.
func (b *Builder) hostname() gbnf.Node {
	return b.fixed("hostname", func() gbnf.Node {
		an := class(alphanumeric...)
		hyphened := b.Rule("hyphened", seq(lit("-"), gbnf.Repeat{Node: an, Min: 1, Max: 7}))
		label := b.Rule("label", seq(gbnf.Repeat{Node: an, Min: 1, Max: 16}, gbnf.Repeat{Node: hyphened, Max: 3}))
		dotted := b.Rule("dotted", seq(label, lit(".")))
		return seq(gbnf.Repeat{Node: dotted, Max: 4}, gbnf.Repeat{Node: class(alphanumeric[0]), Min: 2, Max: 16})
	})
}

func (b *Builder) email() gbnf.Node {
	return b.fixed("email", func() gbnf.Node {
		atom := b.Rule("atom", gbnf.Repeat{Node: class(append([]gbnf.Range{one('_'), one('+'), one('-')}, alphanumeric...)...), Min: 1, Max: 15})
		dotted := b.Rule("atoms", seq(lit("."), atom))
		return seq(atom, gbnf.Repeat{Node: dotted, Max: 3}, lit("@"), b.hostname())
	})
}

// uri is an address with a scheme and a host; the other kinds there are few models write.
func (b *Builder) uri() gbnf.Node {
	return b.fixed("uri", func() gbnf.Node {
		scheme := seq(class(gbnf.Range{Low: 'a', High: 'z'}), gbnf.Repeat{Node: class(append([]gbnf.Range{one('+'), one('.')}, alphanumeric...)...), Max: 11})
		path := gbnf.Repeat{Node: class(append([]gbnf.Range{one('/'), one('-'), one('_'), one('.'), one('~'), one('='), one('&'), one('+'), one(','), one('@'), one(':')}, alphanumeric...)...), Max: 500}
		return seq(scheme, lit("://"), b.hostname(), opt(seq(lit(":"), digits(1, 4))),
			opt(seq(lit("/"), path)), opt(seq(lit("?"), path)), opt(seq(lit("#"), path)))
	})
}
