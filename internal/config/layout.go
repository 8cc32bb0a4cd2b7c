package config

import (
	"bytes"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A document is edited by the line: part says which lines belong to what. The places come from the TOML library's
// own parser, so that what only looks like a header (in a string, in a comment) is not taken for one.
type part struct {
	kind     unstable.Kind // Table, ArrayTable, KeyValue or Comment
	key      key           // of a table or a value, in full
	from, to int           // whole lines, with their newline if there is one

	valueFrom, valueTo int // of a value: without the key, without a comment behind it
}

// layout returns the parts of a document that the TOML library has accepted, in order. Between them are only blank
// lines.
func layout(text []byte) []part {
	var all []part
	var table key
	var p unstable.Parser
	p.KeepComments = true
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		q := part{kind: e.Kind}
		var first, last int // one byte of the first line, one of the last
		switch e.Kind {
		case unstable.Comment:
			first = int(e.Raw.Offset)
			last = first
		case unstable.KeyValue:
			first = int(e.Raw.Offset)
			last = first + int(e.Raw.Length) - 1
			q.key = table.with(keyOf(e)...)
			q.valueFrom, q.valueTo = valueStart(text, e), last+1
		default:
			table = keyOf(e)
			q.key = table
			first = int(e.Child().Raw.Offset)
			last = first
		}
		q.from, q.to = lineStart(text, first), lineEnd(text, last)
		all = append(all, q)
	}
	return all
}

func keyOf(e *unstable.Node) (k key) {
	for it := e.Key(); it.Next(); {
		k = append(k, string(it.Node().Data))
	}
	return k
}

// valueStart returns where the value of a key = value begins; its node does not always say.
func valueStart(text []byte, e *unstable.Node) int {
	var end uint32
	for it := e.Key(); it.Next(); {
		end = it.Node().Raw.Offset + it.Node().Raw.Length
	}
	rest := text[end:]
	rest = bytes.TrimLeft(rest[bytes.IndexByte(rest, '=')+1:], " \t")
	return len(text) - len(rest)
}

func (p part) header() bool { return p.kind == unstable.Table || p.kind == unstable.ArrayTable }

// within reports whether k is in, or is, the table or value top.
func (k key) within(top key) bool {
	if len(k) < len(top) {
		return false
	}
	for i := range top {
		if k[i] != top[i] {
			return false
		}
	}
	return true
}

// commentsAbove returns where the comment lines directly above the i-th part begin.
func commentsAbove(parts []part, i int) int {
	for i > 0 && parts[i-1].kind == unstable.Comment && parts[i-1].to == parts[i].from {
		i--
	}
	return parts[i].from
}

// commentsBelow returns where the comment lines directly below the i-th part end. Those that go on to the next part
// are that one's, and not counted.
func commentsBelow(parts []part, i int) int {
	j := i
	for j+1 < len(parts) && parts[j+1].kind == unstable.Comment && parts[j+1].from == parts[j].to {
		j++
	}
	if j+1 < len(parts) && parts[j+1].from == parts[j].to {
		return parts[i].to
	}
	return parts[j].to
}

func lineStart(text []byte, at int) int { return bytes.LastIndexByte(text[:at], '\n') + 1 }

// lineEnd returns the offset behind the line that holds text[at].
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// blankAbove returns where the blank line directly above the line at an offset begins, or the offset itself.
func blankAbove(text []byte, at int) int {
	if at == 0 {
		return at
	}
	if above := lineStart(text, at-1); len(bytes.TrimSpace(text[above:at])) == 0 {
		return above
	}
	return at
}

// blankBelow returns where the blank line that begins at an offset ends, or the offset itself.
func blankBelow(text []byte, at int) int {
	if at < len(text) {
		if below := lineEnd(text, at); len(bytes.TrimSpace(text[at:below])) == 0 {
			return below
		}
	}
	return at
}

// newline is the document's line ending, that of its first line.
func newline(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
