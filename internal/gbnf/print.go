package gbnf

import (
	"fmt"
	"slices"
	"strings"
)

// String writes the grammar, the root first and the others by name.
func (g *Grammar) String() string {
	names := make([]string, 0, len(g.Rules))
	for name := range g.Rules {
		if name != Root {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range append([]string{Root}, names...) {
		if n, ok := g.Rules[name]; ok {
			b.WriteString(name + " ::= ")
			write(&b, n, false)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// write writes n; where one item is wanted, more than one gets parentheses.
func write(b *strings.Builder, n Node, item bool) {
	switch n := n.(type) {
	case Literal:
		b.WriteByte('"')
		for _, r := range n {
			b.WriteString(escape(r, `"\`))
		}
		b.WriteByte('"')
	case Class:
		b.WriteByte('[')
		if n.Negated {
			b.WriteByte('^')
		}
		for _, r := range n.Ranges {
			b.WriteString(escape(r.Low, `[]\-^`))
			if r.High > r.Low {
				b.WriteString("-" + escape(r.High, `[]\-^`))
			}
		}
		b.WriteByte(']')
	case Any:
		b.WriteByte('.')
	case Ref:
		b.WriteString(string(n))
	case Seq:
		if len(n) == 0 {
			b.WriteString(`""`)
			return
		}
		parenthesised(b, item && len(n) > 1, func() {
			for i, c := range n {
				if i > 0 {
					b.WriteByte(' ')
				}
				_, alt := c.(Alt)
				write(b, c, alt)
			}
		})
	case Alt:
		parenthesised(b, item, func() {
			for i, c := range n {
				if i > 0 {
					b.WriteString(" | ")
				}
				write(b, c, false)
			}
		})
	case Repeat:
		write(b, n.Node, true)
		b.WriteString(times(n.Min, n.Max))
	}
}

func parenthesised(b *strings.Builder, yes bool, f func()) {
	if yes {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	f()
}

func times(low, high int) string {
	switch {
	case low == 0 && high < 0:
		return "*"
	case low == 1 && high < 0:
		return "+"
	case low == 0 && high == 1:
		return "?"
	case high < 0:
		return fmt.Sprintf("{%d,}", low)
	case low == high:
		return fmt.Sprintf("{%d}", low)
	}
	return fmt.Sprintf("{%d,%d}", low, high)
}

// escape writes a character by its number where it has a meaning of its own, or none that can be seen.
func escape(r rune, special string) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x20 || r == 0x7f || r < 0x80 && strings.ContainsRune(special, r):
		return fmt.Sprintf(`\x%02X`, r)
	case r >= 0x80 && r < 0xa0 || r >= 0xd800 && r <= 0xdfff || r >= 0x2028 && r <= 0x202e || r == 0xfeff:
		return fmt.Sprintf(`\u%04X`, r)
	case r >= 0xe0000:
		return fmt.Sprintf(`\U%08X`, r)
	}
	return string(r)
}
