package schema

import (
	"encoding/json"
	"slices"
)

// says are the keywords that say something about a value, and that this package holds an answer to.
var says = set("type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf",
	"properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
	"items", "prefixItems", "additionalItems", "minItems", "maxItems", "unevaluatedItems", "uniqueItems",
	"minLength", "maxLength", "pattern", "format",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"not", "if", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
	"contains", "minContains", "maxContains", "$dynamicRef", "$recursiveRef")

// cannotHold are those that a grammar cannot hold.
var cannotHold = set("not", "if", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas",
	"dependencies", "contains", "$dynamicRef", "$recursiveRef")

// mayBeEmpty are those of them that ask for nothing if they are empty.
var mayBeEmpty = set("patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies")

// about says which keywords are about which type: a schema without a type has the types that it speaks of.
var about = map[string][]string{
	"object": {"properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties"},
	"array":  {"items", "prefixItems", "additionalItems", "minItems", "maxItems", "unevaluatedItems", "uniqueItems"},
	"string": {"minLength", "maxLength", "pattern", "format"},
	"number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}

var types = []string{"object", "array", "string", "number", "integer", "boolean", "null"}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// checkKeywords refuses what no grammar can hold.
func checkKeywords(o *object, path string) error {
	for _, k := range o.keys {
		if cannotHold[k] && !(mayBeEmpty[k] && empty(o.values[k])) {
			return refuse(path+"/"+k, "%q cannot be held while an answer is made", k).
				WithHint("leave it out, or say it with type, properties, enum, anyOf")
		}
	}
	return nil
}

// empty reports whether a keyword's value asks for nothing.
func empty(v any) bool {
	o, ok := v.(*object)
	return ok && len(o.keys) == 0 || v == true
}

// typesOf returns the types that a value of all parts may have.
func typesOf(parts []part) ([]string, error) {
	allowed := types
	said := false
	for _, p := range parts {
		v, ok := p.schema.(*object).get("type")
		if !ok {
			continue
		}
		names, err := typeNames(v, p.path)
		if err != nil {
			return nil, err
		}
		if !said {
			allowed, said = names, true
			continue
		}
		allowed = common(allowed, names)
	}
	if said {
		return allowed, nil
	}
	var spoken []string
	for _, t := range types {
		if slices.ContainsFunc(about[t], func(k string) bool { return hasAny(parts, k) }) {
			spoken = append(spoken, t)
		}
	}
	if spoken == nil {
		return types, nil
	}
	return spoken, nil
}

func typeNames(v any, path string) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var names []string
	for _, e := range list {
		name, ok := e.(string)
		if !ok || !slices.Contains(types, name) {
			return nil, refuse(path+"/type", "there is no type %s", short(encode(e)))
		}
		names = append(names, name)
	}
	return names, nil
}

// common keeps what is in both; an integer is a number.
func common(a, b []string) []string {
	var out []string
	for _, t := range types {
		in := func(l []string) bool {
			return slices.Contains(l, t) || t == "integer" && slices.Contains(l, "number")
		}
		if in(a) && in(b) {
			out = append(out, t)
		}
	}
	return out
}

func hasAny(parts []part, keyword string) bool {
	return slices.ContainsFunc(parts, func(p part) bool {
		_, ok := p.schema.(*object).get(keyword)
		return ok
	})
}

// each calls f with the values of a keyword, in all parts that have it.
func each(parts []part, keyword string, f func(v any, path string) error) error {
	for _, p := range parts {
		if v, ok := p.schema.(*object).get(keyword); ok {
			if err := f(v, p.path+"/"+escapePointer(keyword)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounds returns the largest of one keyword and the smallest of another, -1 where nobody says; they are counts.
func bounds(parts []part, minKey, maxKey string) (low, high int, path string, err error) {
	high, path = -1, parts[0].path
	read := func(into func(n int)) func(any, string) error {
		return func(v any, at string) error {
			n, err := count(v, at)
			if err == nil {
				path = at
				into(n)
			}
			return err
		}
	}
	if err = each(parts, minKey, read(func(n int) { low = max(low, n) })); err == nil {
		err = each(parts, maxKey, read(func(n int) {
			if high < 0 || n < high {
				high = n
			}
		}))
	}
	return low, high, path, err
}

// maxCount is the most repetitions that are written out.
const maxCount = 30000

func count(v any, path string) (int, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, refuse(path, "it must be a whole number from 0")
	}
	d, err := parseDecimal(n)
	if err != nil || d.neg && !d.zero() || !d.whole() {
		return 0, refuse(path, "it must be a whole number from 0")
	}
	i, ok := d.small()
	if !ok || i > maxCount {
		return 0, refuse(path, "%s is more than the %d that can be counted while an answer is made", n, maxCount)
	}
	return i, nil
}
