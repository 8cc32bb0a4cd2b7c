package schema

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"rbee/internal/gbnf"
)

const maxEnum = 5000

// enum compiles parts of which some list their values: those that fit all of them, written out.
func (c *compiler) enum(parts []part, allowed []string) (gbnf.Node, error) {
	var values []any
	var path string
	first := true
	take := func(list []any, at string) {
		path = at
		if first {
			values, first = list, false
			return
		}
		values = slices.DeleteFunc(slices.Clone(values), func(v any) bool {
			return !slices.ContainsFunc(list, func(w any) bool { return same(v, w) })
		})
	}
	err := each(parts, "enum", func(v any, at string) error {
		list, ok := v.([]any)
		if !ok {
			return refuse(at, "it must be a list of values")
		}
		if len(list) > maxEnum {
			return refuse(at, "it lists %d values: there may be %d", len(list), maxEnum)
		}
		take(list, at)
		return nil
	})
	if err == nil {
		err = each(parts, "const", func(v any, at string) error { take([]any{v}, at); return nil })
	}
	if err != nil {
		return nil, err
	}
	var out gbnf.Alt
	for _, v := range values {
		ok, err := c.fits(v, parts, allowed)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, c.b.literalValue(v))
		}
	}
	if len(out) == 0 {
		return c.b.cannot(path, "none of the listed values fits the rest of the schema"), nil
	}
	return out, nil
}

// literalValue is a value as JSON, with the white space that models are used to.
func (b *Builder) literalValue(v any) gbnf.Node {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			break
		}
		out := gbnf.Seq{lit("["), b.Space()}
		for i, e := range v {
			if i > 0 {
				out = append(out, lit(","), b.Space())
			}
			out = append(out, b.literalValue(e))
		}
		return append(out, b.Space(), lit("]"))
	case *object:
		if len(v.keys) == 0 {
			break
		}
		out := gbnf.Seq{lit("{"), b.Space()}
		for i, k := range v.keys {
			if i > 0 {
				out = append(out, lit(","), b.Space())
			}
			out = append(out, lit(encode(k)), b.Space(), lit(":"), b.Space(), b.literalValue(v.values[k]))
		}
		return append(out, b.Space(), lit("}"))
	}
	return lit(encode(v))
}

// fits reports whether a listed value fits the other keywords.
func (c *compiler) fits(v any, parts []part, allowed []string) (bool, error) {
	if !slices.ContainsFunc(allowed, func(t string) bool { return isType(v, t) }) && hasAny(parts, "type") {
		return false, nil
	}
	for _, p := range parts {
		o := p.schema.(*object)
		switch v := v.(type) {
		case *object, []any:
			kind := "array"
			if _, ok := v.(*object); ok {
				kind = "object"
			}
			for _, k := range about[kind] {
				if _, ok := o.get(k); ok {
					return false, refuse(p.path+"/"+k, "beside a list of values that are objects or arrays it is not checked").
						WithHint("leave it out: the list says which values there are")
				}
			}
		case string:
			ok, err := textFits(v, []part{p})
			if !ok || err != nil {
				return false, err
			}
		case json.Number:
			d, err := parseDecimal(v)
			if err != nil {
				return false, refuse(p.path, "the number %s has too many digits", v)
			}
			r, err := readRange([]part{p})
			if err != nil || !r.has(d) {
				return false, err
			}
		}
	}
	return true, nil
}

func textFits(s string, parts []part) (bool, error) {
	low, high, _, err := bounds(parts, "minLength", "maxLength")
	if err != nil {
		return false, err
	}
	n := utf8.RuneCountInString(s)
	ok := n >= low && (high < 0 || n <= high)
	err = each(parts, "pattern", func(v any, at string) error {
		p, isText := v.(string)
		re, err := regexp.Compile(p)
		if !isText || err != nil {
			return refuse(at, "it is not a regular expression that can be read")
		}
		ok = ok && re.MatchString(s)
		return nil
	})
	if err != nil {
		return false, err
	}
	return ok, each(parts, "format", func(v any, _ string) error {
		name, _ := v.(string)
		ok = ok && formatFits(name, s)
		return nil
	})
}

func isType(v any, t string) bool {
	switch v := v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case []any:
		return t == "array"
	case *object:
		return t == "object"
	case json.Number:
		if t == "integer" {
			d, err := parseDecimal(v)
			return err == nil && d.whole()
		}
		return t == "number"
	}
	return false
}

// same compares values as JSON Schema does: 1 is 1.0, and an object's order is no matter.
func same(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, err1 := parseDecimal(a)
		y, err2 := parseDecimal(n)
		if err1 != nil || err2 != nil {
			return a == n
		}
		return x.cmp(y) == 0
	case []any:
		l, ok := b.([]any)
		return ok && slices.EqualFunc(a, l, same)
	case *object:
		o, ok := b.(*object)
		if !ok || len(a.keys) != len(o.keys) {
			return false
		}
		for _, k := range a.keys {
			if v, ok := o.get(k); !ok || !same(a.values[k], v) {
				return false
			}
		}
		return true
	}
	return a == b
}
