package chat

import (
	"strings"
	"unicode"
)

// trim applies the white space rules that chat templates are written for (trim_blocks and lstrip_blocks, and the
// marks - and + in tags) and drops the comments. After it texts mean exactly themselves.
func trim(tags []tag) []tag {
	var out []tag
	lineStart := true // what is before the text ended a line
	for i, t := range tags {
		if t.kind != 0 {
			if t.kind != '#' {
				out = append(out, t)
			}
			if t.kind == '{' || i+1 < len(tags) && tags[i+1].kind != 0 {
				lineStart = false
			}
			continue
		}
		text := t.body
		if i > 0 {
			before := tags[i-1]
			switch {
			case before.trimBehind == "-":
				text = strings.TrimLeftFunc(text, unicode.IsSpace)
				consumed := t.body[:len(t.body)-len(text)]
				lineStart = strings.HasSuffix(consumed, "\n")
			case before.kind != '{' && before.trimBehind != "+" && strings.HasPrefix(text, "\n"):
				text, lineStart = text[1:], true
			default:
				lineStart = false
			}
		}
		if i+1 < len(tags) {
			next := tags[i+1]
			switch {
			case next.trimBefore == "-":
				text = strings.TrimRightFunc(text, unicode.IsSpace)
			case next.kind != '{' && next.trimBefore != "+":
				line := text[strings.LastIndexByte(text, '\n')+1:]
				if (len(line) < len(text) || lineStart) && strings.TrimLeftFunc(line, unicode.IsSpace) == "" {
					text = text[:len(text)-len(line)]
				}
			}
		}
		if text != "" {
			out = append(out, tag{body: text})
		}
	}
	return out
}
