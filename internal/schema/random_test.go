package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"rbee/internal/fault"
	"rbee/internal/gbnf/gbnftest"
)

// anySchema draws a schema; most have values, some contradict themselves.
func anySchema(t *rapid.T, depth int) map[string]any {
	number := func(name string, from, to int) int { return rapid.IntRange(from, to).Draw(t, name) }
	maybe := func(name string) bool { return rapid.Bool().Draw(t, name) }
	s := map[string]any{}
	kinds := []string{"string", "integer", "number", "boolean", "enum", "pattern", "format"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array", "anyOf", "oneOf", "allOf", "ref", "types", "map")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "string":
		s["type"] = "string"
		if maybe("min") {
			s["minLength"] = number("minLength", 0, 4)
		}
		if maybe("max") {
			s["maxLength"] = number("maxLength", 0, 6)
		}
	case "integer", "number":
		s["type"] = kind
		scale := map[string]float64{"integer": 1, "number": 0.25}[kind]
		if maybe("min") {
			s[rapid.SampledFrom([]string{"minimum", "exclusiveMinimum"}).Draw(t, "minKey")] = float64(number("low", -200, 200)) * scale
		}
		if maybe("max") {
			s[rapid.SampledFrom([]string{"maximum", "exclusiveMaximum"}).Draw(t, "maxKey")] = float64(number("high", -200, 2000)) * scale
		}
		if maybe("multiple") {
			s["multipleOf"] = rapid.SampledFrom([]float64{1, 10, 0.01}).Draw(t, "of")
		}
	case "boolean":
		s["type"] = "boolean"
	case "enum":
		s["enum"] = rapid.SliceOfN(rapid.SampledFrom([]any{"a", "b\n", 1, 2.5, nil, true, []any{1}, map[string]any{"k": "v"}}), 1, 4).Draw(t, "values")
		s["enum"] = distinct(s["enum"].([]any))
	case "pattern":
		s["type"] = "string"
		s["pattern"] = rapid.SampledFrom([]string{"^a+$", "^[a-f0-9]{2,4}$", "b", "^(ab|cd)?x$", `^\d+(\.\d+)?$`, `^[^"\\]*$`, "^$"}).Draw(t, "pattern")
	case "format":
		s["type"], s["format"] = "string", rapid.SampledFrom([]string{"date", "time", "uuid", "ipv4", "ipv6", "email", "hostname"}).Draw(t, "format")
	case "object":
		s["type"] = "object"
		props, required := map[string]any{}, []string{}
		for _, name := range []string{"a", "ab", "b\"", "c"} {
			if maybe("has " + name) {
				props[name] = anySchema(t, depth-1)
			}
			if maybe("requires " + name) {
				required = append(required, name)
			}
		}
		s["properties"], s["required"] = props, required
		switch number("additional", 0, 3) {
		case 0:
			s["additionalProperties"] = false
		case 1:
			s["additionalProperties"] = anySchema(t, depth-1)
		}
	case "array":
		s["type"], s["items"] = "array", anySchema(t, depth-1)
		if maybe("min") {
			s["minItems"] = number("minItems", 0, 3)
		}
		if maybe("max") {
			s["maxItems"] = number("maxItems", 0, 5)
		}
		if maybe("prefix") {
			s["prefixItems"] = []any{anySchema(t, depth-1), anySchema(t, depth-1)}
		}
	case "anyOf", "oneOf", "allOf":
		s[kind] = []any{anySchema(t, depth-1), anySchema(t, depth-1)}
		if maybe("sibling") {
			for k, v := range anySchema(t, 0) {
				s[k] = v
			}
		}
	case "ref":
		s["$ref"] = rapid.SampledFrom([]string{"#", "#/$defs/x"}).Draw(t, "ref")
	case "types":
		s["type"] = []any{"string", "integer", "null", "array"}
		s["maximum"], s["maxLength"], s["maxItems"] = number("max", -3, 9), number("len", 0, 3), number("items", 0, 2)
	case "map":
		s["type"], s["additionalProperties"] = "object", anySchema(t, depth-1)
	}
	return s
}

func distinct(list []any) []any {
	var out []any
	seen := map[string]bool{}
	for _, v := range list {
		if k := fmt.Sprint(v); !seen[k] {
			seen[k], out = true, append(out, v)
		}
	}
	return out
}

func TestSentencesOfAnySchemaFitIt(t *testing.T) {
	made := 0
	rapid.Check(t, func(r *rapid.T) {
		s := anySchema(r, 3)
		s["$defs"] = map[string]any{"x": anySchema(r, 1)}
		raw, _ := json.Marshal(s)
		grammar, err := Grammar(raw)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidRequest {
				r.Fatalf("%T %v", err, err)
			}
			return
		}
		made++
		v := validator(t, string(raw))
		sampler := gbnftest.NewSampler(t, grammar, 1)
		for i := range 8 {
			text := sampler.Sentence(10 + i*15)
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err == nil {
				err = v.Validate(doc)
			}
			if err != nil {
				r.Fatalf("%s\n%s\n%v\n%s", raw, text, err, cut(grammar))
			}
		}
	})
	if made < 10 {
		t.Errorf("only %d schemas could be made", made)
	}
}
