package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rbee/internal/near"
)

// A field reads the value v of the key k.
type field func(r *reader, k key, v any)

// fields are the keys that a table may have.
type fields map[string]field

// fields reads a table; a key that is not among them is an error with the one that was meant.
func (r *reader) fields(k key, table map[string]any, all fields) {
	known := slices.Sorted(maps.Keys(all))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if read, ok := all[name]; ok {
			read(r, k.with(name), table[name])
			continue
		}
		hint := "allowed are " + strings.Join(known, ", ")
		if meant := near.Word(name, known...); meant != "" {
			hint = "did you mean " + meant + "? " + hint
		} else if _, nested := table[name].(map[string]any); nested && len(k) > 0 {
			hint = fmt.Sprintf("a dot in a name needs quotes: [%s]. Otherwise %s",
				k[:len(k)-1].with(k[len(k)-1]+"."+name), hint)
		}
		in := ""
		if len(k) > 0 {
			in = " in " + k.String()
		}
		r.problem(r.index.keys[k.with(name).id()], "there is no key %s%s", written(shortened(name, 80)), in).
			WithHint("%s", hint).With("field", k.with(name).String())
	}
}

// each reads a table whose keys the user chooses.
func each(read field) field {
	return func(r *reader, k key, v any) {
		table, ok := r.table(k, v)
		if !ok {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(table)) {
			read(r, k.with(name), table[name])
		}
	}
}

func (r *reader) table(k key, v any) (map[string]any, bool) {
	table, ok := v.(map[string]any)
	if !ok {
		r.wrong(k, shown(v), fmt.Sprintf("a table: [%s]", k))
	}
	return table, ok
}

// text reads a string; check returns what is allowed if it is not.
func text(into *string, check func(string) string) field {
	return func(r *reader, k key, v any) {
		s, ok := v.(string)
		if !ok {
			hint := "text in quotes"
			if _, dotted := v.(map[string]any); dotted {
				hint += "; a name with a dot needs quotes too"
			}
			r.wrong(k, shown(v), hint)
			return
		}
		if allowed := check(s); allowed != "" {
			r.wrong(k, shown(s), allowed)
			return
		}
		*into = s
	}
}

// texts reads a list of strings, or, with one, a single string as a list of one.
func texts(into *[]string, check func(string) string, most int, one bool) field {
	return func(r *reader, k key, v any) {
		list, ok := v.([]any)
		switch s, single := v.(string); {
		case single && one:
			var only string
			text(&only, check)(r, k, s)
			*into = []string{only}
			return
		case !ok && one:
			r.wrong(k, shown(v), `text in quotes, or a list of them: ["a", "b"]`)
			return
		case !ok:
			r.wrong(k, shown(v), `a list of texts: ["a", "b"]`)
			return
		case len(list) == 0 || len(list) > most:
			r.wrong(k, fmt.Sprintf("a list of %d", len(list)), fmt.Sprintf("a list of 1 to %d texts", most))
			return
		}
		all := make([]string, len(list))
		for i, v := range list {
			text(&all[i], check)(r, k.with(element(i)), v)
		}
		*into = all
	}
}

// truth reads true or false.
func truth(into *bool) field {
	return func(r *reader, k key, v any) {
		b, ok := v.(bool)
		if !ok {
			r.wrong(k, shown(v), "true or false")
			return
		}
		*into = b
	}
}

// number reads a whole number.
func number(into *int, least, most int64) field {
	return func(r *reader, k key, v any) {
		n, ok := v.(int64)
		if !ok || n < least || n > most {
			r.wrong(k, shown(v), fmt.Sprintf("a whole number, %d to %d", least, most))
			return
		}
		*into = int(n)
	}
}

// fraction reads a number with or without a decimal point.
func fraction(into *float64, most float64) field {
	return func(r *reader, k key, v any) {
		f, ok := v.(float64)
		if n, whole := v.(int64); whole {
			f, ok = float64(n), true
		}
		if !ok || !(f > 0 && f <= most) { // the second is false for NaN
			r.wrong(k, shown(v), fmt.Sprintf("a number, more than 0 and up to %v", most))
			return
		}
		*into = f
	}
}
