package config

import (
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"

	"rbee/internal/fault"
)

// SetDefault makes nodes (a name, or several with commas) the default_node; "" takes it out.
func (d *Document) SetDefault(nodes string) error {
	if nodes == d.file.DefaultNode {
		return nil
	}
	if allowed := nodesProblem(nodes); nodes != "" && allowed != "" {
		return fault.New(fault.InvalidRequest, "the default node is %s, allowed is %s", shown(nodes), allowed).
			WithHint("rbee node ls lists the nodes").With("value", nodes).With("allowed", allowed)
	}
	want := d.file.copy()
	want.DefaultNode = nodes
	parts := layout(d.text)
	i := slices.IndexFunc(parts, func(p part) bool {
		return p.kind == unstable.KeyValue && slices.Equal(p.key, key{"default_node"})
	})
	switch {
	case i < 0:
		return d.become(insertDefault(d.text, parts, "default_node = "+quoted(nodes)), want)
	case nodes != "":
		p := parts[i]
		return d.become(slices.Concat(d.text[:p.valueFrom], []byte(quoted(nodes)), d.text[p.valueTo:]), want)
	}
	return d.become(removeDefault(d.text, parts[i]), want)
}

// insertDefault puts the line where a key of the whole file may be: behind the last such key, else before the first
// table and its comment, else at the end. It keeps it apart by one blank line, unless it follows a key.
func insertDefault(text []byte, parts []part, line string) []byte {
	nl := newline(text)
	end := slices.IndexFunc(parts, part.header)
	if end < 0 {
		end = len(parts)
	}
	for i := end - 1; i >= 0; i-- {
		if parts[i].kind == unstable.KeyValue {
			at := parts[i].to
			if text[at-1] != '\n' {
				return slices.Concat(text, []byte(nl+line))
			}
			return slices.Concat(text[:at], []byte(line+nl), text[at:])
		}
	}
	switch {
	case end < len(parts):
		at := commentsAbove(parts, end)
		return slices.Concat(text[:at], []byte(line+nl+nl), text[at:])
	case len(text) == 0:
		return []byte(line + nl)
	case text[len(text)-1] == '\n':
		return slices.Concat(text, []byte(nl+line+nl))
	}
	return slices.Concat(text, []byte(nl+nl+line))
}

// removeDefault is the inverse: of two blank lines that the line kept apart, one goes with it.
func removeDefault(text []byte, p part) []byte {
	from, to := p.from, p.to
	above := blankAbove(text, from)
	switch {
	case to == len(text):
		from = above
	case from == 0 || above < from:
		to = blankBelow(text, to)
	}
	return cut(text, from, to)
}
