package schema

import (
	"fmt"
	"regexp"
	"strings"

	"rbee/internal/gbnf"
)

// formatFits reports whether a listed text has a format: that is, whether it would have been let through.
func formatFits(name, text string) bool {
	node, ok := formats[name]
	if !ok {
		return true
	}
	b := NewBuilder()
	return regexp.MustCompile(`^(?:` + expression(node(b), b.rules) + `)$`).MatchString(text)
}

// expression is a node without recursion as a regular expression.
func expression(n gbnf.Node, rules map[string]gbnf.Node) string {
	join := func(list []gbnf.Node, sep string) string {
		parts := make([]string, len(list))
		for i, c := range list {
			parts[i] = expression(c, rules)
		}
		return "(?:" + strings.Join(parts, sep) + ")"
	}
	switch n := n.(type) {
	case gbnf.Literal:
		return regexp.QuoteMeta(string(n))
	case gbnf.Class: // formats have no negated ones
		var b strings.Builder
		for _, r := range n.Ranges {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, r.Low, r.High)
		}
		return "[" + b.String() + "]"
	case gbnf.Ref:
		return expression(rules[string(n)], rules)
	case gbnf.Seq:
		return join(n, "")
	case gbnf.Alt:
		return join(n, "|")
	case gbnf.Repeat:
		return fmt.Sprintf("(?:%s){%d,%d}", expression(n.Node, rules), n.Min, n.Max)
	}
	return ""
}
