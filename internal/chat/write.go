package chat

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ardanlabs/jinja"
)

// str writes a value as Python's str does, which is what a template's {{ }} means.
func str(v jinja.Value) string {
	switch {
	case v.IsString():
		return v.AsString()
	case v.IsUndefined(), v.IsCallable():
		return ""
	}
	var b strings.Builder
	repr(&b, v)
	return b.String()
}

func repr(b *strings.Builder, v jinja.Value) {
	switch {
	case v.IsString():
		b.WriteString(quoted(v.AsString()))
	case v.IsBool():
		b.WriteString(map[bool]string{true: "True", false: "False"}[v.AsBool()])
	case v.IsInt():
		b.WriteString(strconv.FormatInt(v.AsInt(), 10))
	case v.IsFloat():
		b.WriteString(float(v.AsFloat()))
	case v.IsList():
		b.WriteByte('[')
		for i, item := range v.AsList().Items {
			if i > 0 {
				b.WriteString(", ")
			}
			repr(b, item)
		}
		b.WriteByte(']')
	case v.IsDict():
		b.WriteByte('{')
		for i, key := range v.AsDict().Keys {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quoted(key) + ": ")
			repr(b, v.AsDict().Data[key])
		}
		b.WriteByte('}')
	default:
		b.WriteString("None")
	}
}

// quoted writes a text as Python does: in single quotes if that needs no escape.
func quoted(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + quote
}

// float writes a number as Python does: with a point, and an exponent only for the very large and small.
func float(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// jsonStyle writes JSON as Python's json.dumps does, as models were trained on it to the byte.
type jsonStyle struct {
	out           strings.Builder
	indent        int // -1 = one line
	comma, colon  string
	ascii, sorted bool
}

const maxIndent = 16

func jsonStyleOf(args []jinja.Value, named map[string]jinja.Value) *jsonStyle {
	w := &jsonStyle{indent: -1, comma: ", ", colon: ": "}
	// Positional, as the reference has them: ensure_ascii, indent, separators, sort_keys.
	for i, name := range []string{"ensure_ascii", "indent", "separators", "sort_keys"} {
		v, ok := named[name]
		if !ok && i < len(args) {
			v, ok = args[i], true
		}
		switch {
		case !ok:
		case name == "ensure_ascii":
			w.ascii = v.IsTruthy()
		case name == "sort_keys":
			w.sorted = v.IsTruthy()
		case name == "indent" && v.IsInt():
			w.indent = int(min(max(v.AsInt(), 0), maxIndent))
			w.comma = ","
		case name == "separators" && v.IsList() && len(v.AsList().Items) == 2:
			w.comma, w.colon = str(v.AsList().Items[0]), str(v.AsList().Items[1])
		}
	}
	return w
}

func (w *jsonStyle) write(v jinja.Value, level int) {
	switch {
	case v.IsString():
		w.text(v.AsString())
	case v.IsBool():
		fmt.Fprint(&w.out, v.AsBool())
	case v.IsInt():
		fmt.Fprint(&w.out, v.AsInt())
	case v.IsFloat():
		w.out.WriteString(float(v.AsFloat()))
	case v.IsList():
		items := v.AsList().Items
		w.group('[', ']', len(items), level, func(i int) { w.write(items[i], level+1) })
	case v.IsDict():
		keys := v.AsDict().Keys
		if w.sorted {
			keys = slices.Sorted(slices.Values(keys))
		}
		w.group('{', '}', len(keys), level, func(i int) {
			w.text(keys[i])
			w.out.WriteString(w.colon)
			w.write(v.AsDict().Data[keys[i]], level+1)
		})
	default:
		w.out.WriteString("null")
	}
}

func (w *jsonStyle) group(open, end byte, n, level int, item func(int)) {
	w.out.WriteByte(open)
	for i := range n {
		if i > 0 {
			w.out.WriteString(w.comma)
		}
		w.line(level + 1)
		item(i)
	}
	if n > 0 {
		w.line(level)
	}
	w.out.WriteByte(end)
}

func (w *jsonStyle) line(level int) {
	if w.indent >= 0 {
		w.out.WriteString("\n" + strings.Repeat(" ", w.indent*level))
	}
}

func (w *jsonStyle) text(s string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	w.out.WriteByte('"')
	for _, r := range s {
		switch e, ok := short[r]; {
		case ok:
			w.out.WriteString(e)
		case r < 0x20, w.ascii && r >= 0x7f && r < 0x10000:
			fmt.Fprintf(&w.out, `\u%04x`, r)
		case w.ascii && r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&w.out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			w.out.WriteRune(r)
		}
	}
	w.out.WriteByte('"')
}
