package schema

import (
	"rbee/internal/gbnf"
)

// plain compiles parts that have no alternatives left: one per type.
func (c *compiler) plain(parts []part) (gbnf.Node, error) {
	allowed, err := typesOf(parts)
	if err != nil {
		return nil, err
	}
	if hasAny(parts, "enum") || hasAny(parts, "const") {
		return c.enum(parts, allowed)
	}
	if len(allowed) == 0 {
		return c.b.cannot(parts[0].path, "the types that are asked for exclude each other"), nil
	}
	var out gbnf.Alt
	number := false
	for _, t := range allowed {
		var n gbnf.Node
		switch t {
		case "object":
			n, err = c.object(parts)
		case "array":
			n, err = c.array(parts)
		case "string":
			n, err = c.text(parts)
		case "number":
			number = true
			n, err = c.number(parts, false)
		case "integer":
			if number {
				continue
			}
			n, err = c.number(parts, true)
		case "boolean":
			n = gbnf.Alt{lit("true"), lit("false")}
		case "null":
			n = lit("null")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
