package chat

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/ardanlabs/jinja"
)

// textFunction is a filter or a method of texts; its first argument is what it is called on.
type textFunction func(b *budget, args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error)

// textFunctions are ours, by the names that rewrite writes.
var textFunctions = map[string]textFunction{
	"string": func(_ *budget, a []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		return jinja.NewString(str(a[0])), nil
	},
	"replace":   replace,
	"m_replace": replace,
	"join": func(b *budget, a []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
		attribute, _ := named["attribute"]
		return join(b, a[0], argument(a, named, 1, "d"), attribute)
	},
	"m_join": func(b *budget, a []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		return join(b, argument(a, nil, 1, ""), a[0], jinja.Undefined())
	},
	"indent":   indent,
	"trim":     strip(strings.TrimFunc, strings.Trim),
	"m_strip":  strip(strings.TrimFunc, strings.Trim),
	"m_lstrip": strip(strings.TrimLeftFunc, strings.TrimLeft),
	"m_rstrip": strip(strings.TrimRightFunc, strings.TrimRight),
	"m_split": func(_ *budget, a []jinja.Value, n map[string]jinja.Value) (jinja.Value, error) {
		return splitText(a, n, false)
	},
	"m_rsplit": func(_ *budget, a []jinja.Value, n map[string]jinja.Value) (jinja.Value, error) {
		return splitText(a, n, true)
	},
	"items": members, "m_items": members, "m_keys": members1(true), "m_values": members1(false),
}

func argument(args []jinja.Value, named map[string]jinja.Value, i int, name string) jinja.Value {
	if i < len(args) {
		return args[i]
	}
	if v, ok := named[name]; ok {
		return v
	}
	return jinja.Undefined()
}

func replace(b *budget, args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
	s, from, to := str(args[0]), str(argument(args, named, 1, "old")), str(argument(args, named, 2, "new"))
	n := strings.Count(s, from)
	if c := argument(args, named, 3, "count"); c.IsInt() && c.AsInt() >= 0 {
		n = int(min(int64(n), c.AsInt()))
	}
	if n > 0 && len(to) > b.text/n {
		return jinja.None(), errTooMuch
	}
	return jinja.NewString(strings.Replace(s, from, to, n)), b.pay(1, n*len(to))
}

func join(b *budget, list, sep, attribute jinja.Value) (jinja.Value, error) {
	if list.IsString() { // its characters
		list = characters(list.AsString())
	}
	if !list.IsList() {
		return jinja.NewString(""), nil
	}
	items := list.AsList().Items
	between := str(sep)
	texts := make([]string, len(items))
	size := len(between) * len(items)
	for i, item := range items {
		if attribute.IsString() && item.IsDict() {
			item, _ = item.AsDict().Get(attribute.AsString())
		}
		texts[i] = str(item)
		size += len(texts[i])
	}
	if err := b.pay(len(items), size); err != nil {
		return jinja.None(), err
	}
	return jinja.NewString(strings.Join(texts, between)), nil
}

func characters(s string) jinja.Value {
	var items []jinja.Value
	for _, r := range s {
		items = append(items, jinja.NewString(string(r)))
	}
	return jinja.NewList(items)
}

func indent(b *budget, args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
	width := "    "
	switch w := argument(args, named, 1, "width"); {
	case w.IsString():
		width = w.AsString()
	case w.IsInt():
		width = strings.Repeat(" ", int(min(max(w.AsInt(), 0), 64)))
	}
	first, blank := argument(args, named, 2, "first").IsTruthy(), argument(args, named, 3, "blank").IsTruthy()
	lines := strings.Split(str(args[0]), "\n")
	if err := b.pay(len(lines), min(len(lines)*len(width), 1<<30)); err != nil {
		return jinja.None(), err
	}
	for i, line := range lines {
		if i == 0 && first || i > 0 && (blank || strings.TrimSpace(line) != "") {
			lines[i] = width + line
		}
	}
	return jinja.NewString(strings.Join(lines, "\n")), nil
}

func strip(space func(string, func(rune) bool) string, of func(string, string) string) textFunction {
	return func(_ *budget, args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
		if c := argument(args, named, 1, "chars"); c.IsString() {
			return jinja.NewString(of(str(args[0]), c.AsString())), nil
		}
		return jinja.NewString(space(str(args[0]), unicode.IsSpace)), nil
	}
}

func splitText(args []jinja.Value, named map[string]jinja.Value, fromRight bool) (jinja.Value, error) {
	s, sep, limit := str(args[0]), argument(args, named, 1, "sep"), argument(args, named, 2, "maxsplit")
	var parts []string
	switch n := -1; {
	case !sep.IsString():
		parts = strings.Fields(s)
	case sep.AsString() == "":
		return jinja.None(), fmt.Errorf("split needs a separator that is not empty")
	case limit.IsInt() && limit.AsInt() >= 0 && fromRight:
		all := strings.Split(s, sep.AsString())
		keep := max(0, len(all)-1-int(min(limit.AsInt(), int64(len(all)))))
		parts = append([]string{strings.Join(all[:keep+1], sep.AsString())}, all[keep+1:]...)
	case limit.IsInt() && limit.AsInt() >= 0:
		n = int(min(limit.AsInt(), int64(len(s)))) + 1
		parts = strings.SplitN(s, sep.AsString(), n)
	default:
		parts = strings.Split(s, sep.AsString())
	}
	items := make([]jinja.Value, len(parts))
	for i, p := range parts {
		items[i] = jinja.NewString(p)
	}
	return jinja.NewList(items), nil
}

// members are an object's keys and values as pairs. The library would take a key of that name for the method.
func members(_ *budget, args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	if !args[0].IsDict() {
		if args[0].IsUndefined() {
			return jinja.NewList(nil), nil
		}
		return jinja.None(), fmt.Errorf("items of something that is no object")
	}
	var items []jinja.Value
	for _, k := range args[0].AsDict().Keys {
		items = append(items, jinja.NewList([]jinja.Value{jinja.NewString(k), args[0].AsDict().Data[k]}))
	}
	return jinja.NewList(items), nil
}

func members1(keys bool) textFunction {
	return func(_ *budget, args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		if !args[0].IsDict() {
			return jinja.None(), fmt.Errorf("keys or values of something that is no object")
		}
		var items []jinja.Value
		for _, k := range args[0].AsDict().Keys {
			if keys {
				items = append(items, jinja.NewString(k))
			} else {
				items = append(items, args[0].AsDict().Data[k])
			}
		}
		return jinja.NewList(items), nil
	}
}
