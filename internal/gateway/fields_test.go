package gateway

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/openai"
)

// decoders read the bodies of the types that the document says something of, and what each is at least.
var decoders = map[string]struct {
	least  string
	decode func([]byte) error
}{
	"openai_ChatRequest": {`{"model":"demo","messages":[{"role":"user","content":"hi"}]}`,
		func(b []byte) error { _, err := openai.DecodeChat(b); return err }},
	"openai_CompletionRequest": {`{"model":"demo","prompt":"hi"}`, func(b []byte) error { _, err := openai.DecodeCompletion(b); return err }},
	"openai_EmbeddingRequest":  {`{"model":"demo","input":"hi"}`, func(b []byte) error { _, err := openai.DecodeEmbedding(b); return err }},
	"api_GenerateRequest":      {`{"model":"demo","prompt":"hi"}`, func(b []byte) error { _, err := parseRequest(b); return err }},
	"api_StopRequest":          {`{"target":"demo"}`, func(b []byte) error { return parse(b, new(api.StopRequest)) }},
}

// What the document says is required is, and what it says is the range is: the decoders say so.
func TestTheDocumentsRangesAreTheDecoders(t *testing.T) {
	doc := parsed(t)
	for name, d := range decoders {
		schema, ok := doc.Components.Schemas[name]
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		with := func(change func(map[string]any)) error {
			var body map[string]any
			if err := json.Unmarshal([]byte(d.least), &body); err != nil {
				t.Fatal(err)
			}
			change(body)
			b, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			return d.decode(b)
		}
		if err := with(func(map[string]any) {}); err != nil {
			t.Fatalf("%s: what is required is not enough: %v", name, err)
		}
		for _, field := range schema.Required {
			if with(func(b map[string]any) { delete(b, field) }) == nil {
				t.Errorf("%s: nobody misses %s", name, field)
			}
		}
		if len(schema.Required) == 0 {
			t.Errorf("%s: nothing is required", name)
		}
		for field, a := range fieldsOf[name] {
			p, ok := schema.Properties[field].(map[string]any)
			if !ok || p["description"] != a.text || a.text == "" {
				t.Errorf("%s.%s is described, and is no field: %v", name, field, p)
				continue
			}
			if a.high == 0 {
				continue
			}
			set := func(v float64) error {
				return with(func(b map[string]any) {
					if b[field] = v; field == "top_logprobs" {
						b["logprobs"] = true
					}
				})
			}
			step := 1.0
			if strings.Contains(typeOf(p), "number") {
				step = 0.001
			}
			low, high := p["minimum"].(float64), p["maximum"].(float64)
			for v, good := range map[float64]bool{low: true, high: true, low - step: false, high + step: false} {
				if err := set(v); (err == nil) != good {
					t.Errorf("%s.%s = %v, allowed is %v to %v: %v", name, field, v, low, high, err)
				}
			}
			if math.IsInf(high, 0) {
				t.Errorf("%s.%s has no end", name, field)
			}
		}
	}
	for name := range fieldsOf {
		if decoders[name].decode == nil || required[name] == nil {
			t.Errorf("nothing holds %s to the code", name)
		}
	}
}

func typeOf(property map[string]any) string {
	b, _ := json.Marshal(property["type"])
	return string(b)
}
