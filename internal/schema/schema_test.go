package schema

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rbee/internal/fault"
	"rbee/internal/gbnf/gbnftest"
)

// validator compiles a schema with a library that knows nothing of this package.
func validator(t testing.TB, raw string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("s.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return s
}

// holds fails the test if a sentence of the schema's grammar is not JSON that fits the schema.
func holds(t testing.TB, raw string, sentences int) {
	t.Helper()
	grammar, err := Grammar(json.RawMessage(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	v := validator(t, raw)
	s := gbnftest.NewSampler(t, grammar, 1)
	for i := range sentences {
		text := s.Sentence(10 + i*5)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%q is not JSON: %v\n%s\n%s", text, err, raw, cut(grammar))
		}
		if err := v.Validate(doc); err != nil {
			t.Fatalf("%s does not fit: %v\n%s\n%s", text, err, raw, cut(grammar))
		}
	}
}

func cut(s string) string { return s[:min(len(s), 3000)] }

// corpus returns the schemas of testdata/corpus by name: what people really send.
func corpus(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	out := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".json")] = string(bytes.TrimSpace(raw))
	}
	return out
}

func TestEverySentenceOfTheCorpusFitsItsSchema(t *testing.T) {
	for name, raw := range corpus(t) {
		t.Run(name, func(t *testing.T) { holds(t, raw, 150) })
	}
}

func TestEveryKeywordIsHeld(t *testing.T) {
	for _, raw := range []string{
		`true`, `{}`, `{"type":"object"}`, `{"type":"array"}`, `{"type":["string","null"]}`, `{"type":"boolean"}`,
		`{"title":"only told","default":1}`,
		`{"enum":["a","b\"\n\u00e9",1,1.5,null,true,{"x":[1,{}]},[]]}`, `{"const":{"a":1,"b":[]}}`,
		`{"type":"string","enum":["a",1]}`, `{"enum":[1,2,3,4],"minimum":2,"exclusiveMaximum":4}`,
		`{"enum":["a","2024-02-29","2023-02-29"],"format":"date"}`, `{"enum":["http://a.example/x?y#z","x"],"format":"uri"}`,
		`{"enum":["a","bb","ccc"],"minLength":2,"pattern":"^b"}`,
		`{"type":"string","minLength":3}`, `{"type":"string","maxLength":3}`, `{"type":"string","minLength":2,"maxLength":2}`,
		`{"type":"string","minLength":1500,"maxLength":2500}`, `{"type":"string","maxLength":20000}`,
		`{"type":"string","pattern":"^[a-z]{2,5}$"}`, `{"type":"string","pattern":"^[a-z]+$","maxLength":4}`,
		`{"type":"string","pattern":"abc"}`, `{"type":"string","pattern":"^https?://"}`, `{"type":"string","pattern":"\\.json$"}`,
		`{"type":"string","pattern":"^(\\d{3}-)?\\d{4}$"}`, `{"type":"string","pattern":"^[^\"]*$"}`, `{"type":"string","pattern":"^.{1,3}$"}`,
		`{"type":"string","pattern":"^a|b$|^(c|d)$"}`, `{"type":"string","pattern":"^[\\w.\\-\\\\]+@\\w+\\.com$"}`, `{"type":"string","pattern":"^\\s*\\S+\\s?$"}`,
		`{"type":"string","format":"date"}`, `{"type":"string","format":"time"}`, `{"type":"string","format":"date-time"}`,
		`{"type":"string","format":"duration"}`, `{"type":"string","format":"uuid"}`, `{"type":"string","format":"ipv4"}`,
		`{"type":"string","format":"ipv6"}`, `{"type":"string","format":"hostname"}`, `{"type":"string","format":"email"}`,
		`{"type":"string","format":"uri"}`, `{"type":"string","format":"email","maxLength":254}`, `{"type":"string","format":"x-unknown"}`,
		`{"type":"integer"}`, `{"type":"number"}`, `{"type":"integer","minimum":0}`, `{"type":"integer","minimum":-5,"maximum":12}`,
		`{"type":"integer","minimum":123,"maximum":45678}`, `{"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":11}`,
		`{"type":"integer","maximum":-17}`, `{"type":"integer","minimum":1.5,"maximum":3.5}`, `{"type":"number","minimum":0,"maximum":1}`,
		`{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}`, `{"type":"number","minimum":-0.5,"exclusiveMaximum":0.25}`,
		`{"type":"number","minimum":12.34,"maximum":12.36}`, `{"type":"number","exclusiveMinimum":99.9}`, `{"type":"number","maximum":-1e2}`,
		`{"type":"number","minimum":5,"exclusiveMinimum":true}`, `{"type":"number","minimum":0,"maximum":0}`,
		`{"type":"number","multipleOf":0.01}`, `{"type":"number","multipleOf":0.1,"minimum":0,"maximum":2}`, `{"type":"integer","multipleOf":100}`,
		`{"type":"integer","multipleOf":10,"minimum":5,"maximum":1234}`, `{"type":"number","multipleOf":1}`,
		`{"type":"array","items":{"type":"integer"}}`, `{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":4}`,
		`{"type":"array","minItems":1}`, `{"type":"array","maxItems":0}`, `{"type":"array","maxItems":1,"uniqueItems":true}`,
		`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false}`,
		`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1,"maxItems":5}`,
		`{"type":"array","prefixItems":[{"type":"integer"}],"minItems":3}`, `{"type":"array","items":{"type":"null"},"minItems":1200,"maxItems":2300}`,
		`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a","b"],"additionalProperties":false}`,
		`{"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3},"d":{"const":4}},"required":["b","d"]}`,
		`{"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}}}`,
		`{"type":"object","properties":{"ab":{"const":1},"ac\"":{"const":2}},"additionalProperties":{"type":"string"}}`,
		`{"type":"object","properties":{"a":{"const":1}},"required":["a"],"additionalProperties":true}`,
		`{"type":"object","additionalProperties":{"type":"integer"}}`, `{"type":"object","required":["x"]}`,
		`{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1}`, `{"type":"object","maxProperties":1}`,
		`{"type":"object","properties":{"":{"const":1}},"additionalProperties":{"type":"null"}}`,
		`{"type":"object","properties":{"a":{"const":1},"b":false}}`, `{"properties":{"a":{"type":"null"}},"required":["a"]}`,
		`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"type":"string","anyOf":[{"minLength":3},{"const":"x"},{"type":"integer"}]}`,
		`{"anyOf":[{"type":"string"},{"type":"integer"}],"allOf":[{"anyOf":[{"maximum":5},{"maxLength":2}]}]}`,
		`{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"const":1},{"const":2}]}`,
		`{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"integer"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}`,
		`{"oneOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]}]}`,
		`{"allOf":[{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]},{"properties":{"a":{"minimum":1,"maximum":2},"b":{"type":"null"}}}]}`,
		`{"allOf":[{"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"integer"}},{"properties":{"b":{"maximum":3}},"required":["b"]}],"type":"object"}`,
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"integer","minimum":3}},"maximum":5}`,
		`{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#"}},"required":["v"],"additionalProperties":false}`,
		`{"$defs":{"t":{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#/$defs/t"}}]}},"$ref":"#/$defs/t"}`,
		`{"$defs":{"t":{"anyOf":[{"$ref":"#/$defs/t"},{"type":"integer"}]}},"$ref":"#/$defs/t"}`,
		`{"$defs":{"a/b~c %":{"type":"null"}},"$ref":"#/$defs/a~1b~0c%20%25"}`,
		`{"type":"array","items":[{"type":"integer"}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`,
		`{"type":"object","properties":{"a":{"type":"integer"}},"unevaluatedProperties":false}`,
	} {
		t.Run(raw[:min(len(raw), 70)], func(t *testing.T) {
			if strings.Contains(raw, `"exclusiveMinimum":true`) { // the library wants to be told the draft
				grammar, err := Grammar(json.RawMessage(raw))
				if err != nil || gbnftest.Accepts(t, grammar, "5") || !gbnftest.Accepts(t, grammar, "5.5") {
					t.Error(err, grammar)
				}
				return
			}
			holds(t, raw, 80)
		})
	}
}

func TestWhatAModelWouldWriteIsLetThrough(t *testing.T) {
	person := `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}},"required":["name","age"],"additionalProperties":false}`
	for _, c := range []struct{ schema, text string }{
		{person, `{"name":"Ann \"A\" Lee","age":41}`},
		{person, `{"name": "Zoë 🙂", "age": 41, "tags": ["a", "b"]}`},
		{person, "{\n  \"name\": \"Ann\",\n  \"age\": 0,\n  \"tags\": []\n}"},
		{`{"type":"object"}`, `{"a":{"b":[1,-2.5e10,true,null,"x"]}}`},
		{`{"type":"object","properties":{"a":{},"b":{},"c":{}}}`, `{}`},
		{`{"type":"object","properties":{"a":{},"b":{},"c":{}}}`, `{"b":1}`},
		{`{"type":"object","properties":{"a":{},"b":{},"c":{}}}`, `{"a":1,"c":2}`},
		{`{"type":"object","properties":{"a":{}},"additionalProperties":true}`, `{"a":1,"ab":2,"b":3}`},
		{`{"type":"string","format":"date"}`, `"2024-02-29"`},
		{`{"type":"string","format":"date-time"}`, `"2024-11-05T23:59:59.123Z"`},
		{`{"type":"string","format":"email"}`, `"ann.lee+news@mail.example.org"`},
		{`{"type":"string","format":"uri"}`, `"https://example.org:8080/a/b?c=d#e"`},
		{`{"type":"string","format":"ipv6"}`, `"2001:db8::ff00:42:8329"`},
		{`{"type":"string","format":"uuid"}`, `"123e4567-e89b-12d3-a456-426614174000"`},
		{`{"type":"number","minimum":0,"maximum":100}`, `100`}, {`{"type":"number","minimum":0,"maximum":100}`, `99.95`},
		{`{"type":"number","minimum":0,"maximum":100}`, `0.5`}, {`{"type":"number","minimum":-1.5}`, `-1.5`},
		{`{"type":"integer","minimum":10,"maximum":25}`, `19`}, {`{"type":"integer","minimum":10,"maximum":25}`, `20`},
		{`{"type":"integer","minimum":1}`, `123456`}, {`{"type":"integer","multipleOf":10,"maximum":1234}`, `1230`},
		{`{"type":"string","maxLength":2000}`, `"` + strings.Repeat("x", 1999) + `"`},
		{`{"type":"string","pattern":"^\\+?[0-9 ]{5,12}$"}`, `"+49 123 456"`},
		{`{"type":"array","items":{"type":"integer"},"minItems":1}`, `[1, 2, 3]`},
	} {
		grammar, err := Grammar(json.RawMessage(c.schema))
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
		} else if !gbnftest.Accepts(t, grammar, c.text) {
			t.Errorf("%s does not let %s through\n%s", c.schema, c.text, cut(grammar))
		}
	}
}

func TestASchemaThatCannotBeHeldIsRefusedAtItsPlace(t *testing.T) {
	nested := strings.Repeat(`{"type":"array","items":`, 100) + "true" + strings.Repeat("}", 100)
	bigEnum, _ := json.Marshal(make([]int, maxEnum+1))
	for _, c := range []struct{ name, schema, want string }{
		{"not JSON", `{"type":`, "not JSON"},
		{"two values", `{} {}`, "not JSON"},
		{"a number", `5`, "at #"},
		{"no such type", `{"properties":{"a":{"type":"text"}}}`, "#/properties/a/type"},
		{"not", `{"not":{"type":"null"}}`, "#/not"},
		{"not anything", `{"not":{}}`, "#/not"},
		{"if", `{"type":"object","properties":{"a":{"if":{"const":1},"then":{}}}}`, "#/properties/a/if"},
		{"patternProperties", `{"patternProperties":{"a":{}}}`, "#/patternProperties"},
		{"uniqueItems", `{"type":"array","uniqueItems":true}`, "#/uniqueItems"},
		{"contains", `{"contains":{"const":1}}`, "#/contains"},
		{"multipleOf", `{"type":"integer","multipleOf":7}`, "#/multipleOf"},
		{"look-ahead", `{"pattern":"^(?=a)b"}`, "#/pattern"},
		{"word boundary", `{"pattern":"a\\bb"}`, "#/pattern"},
		{"pattern and length", `{"type":"string","pattern":"^(ab|c)+$","maxLength":5}`, "length"},
		{"remote reference", `{"$ref":"https://example.org/s.json"}`, "#/$ref"},
		{"dangling reference", `{"properties":{"a":{"$ref":"#/$defs/x"}}}`, "#/properties/a/$ref"},
		{"oneOf that overlaps", `{"oneOf":[{"type":"number"},{"type":"integer"}]}`, "#/oneOf"},
		{"oneOf of objects that overlap", `{"oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, "#/oneOf"},
		{"number of properties", `{"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2}`, "number of properties"},
		{"limits of numbers", `{"type":"integer","minimum":5,"maximum":4}`, "#/maximum"},
		{"no number between", `{"type":"number","exclusiveMinimum":5,"exclusiveMaximum":5}`, "no number"},
		{"no integer between", `{"type":"integer","exclusiveMinimum":5,"exclusiveMaximum":6}`, "nothing fits"},
		{"limits of lengths", `{"type":"string","minLength":5,"maxLength":4}`, "#/maxLength"},
		{"limits of items", `{"type":"array","minItems":5,"maxItems":4}`, "#/maxItems"},
		{"empty enum", `{"enum":[]}`, "#/enum"},
		{"enum of another type", `{"type":"string","enum":[1,2]}`, "#/enum"},
		{"const and enum", `{"const":1,"enum":[2]}`, "#/const"},
		{"types that exclude each other", `{"allOf":[{"type":"string"},{"type":"integer"}]}`, "exclude each other"},
		{"required and forbidden", `{"type":"object","properties":{"a":{}},"required":["b"],"additionalProperties":false}`, "#/additionalProperties"},
		{"required and false", `{"type":"object","properties":{"a":false},"required":["a"]}`, "#/properties/a"},
		{"false", `false`, "false fits nothing"},
		{"only itself", `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}`, "only itself"},
		{"a circle of references", `{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}}`, "refers to itself"},
		{"no end", `{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}`, "no end"},
		{"too deep", nested, "nested"},
		{"too many values", `{"enum":` + string(bigEnum) + `}`, "#/enum"},
		{"too long", `{"type":"string","maxLength":1000000}`, "#/maxLength"},
		{"too many items", `{"type":"array","items":{"type":"object","properties":{"a":{},"b":{}}},"minItems":1e9}`, "#/minItems"},
		{"combinations", `{"allOf":[` + strings.TrimSuffix(strings.Repeat(`{"anyOf":[{"minimum":1},{"minimum":2},{"minimum":3},{"minimum":4}]},`, 12), ",") + `]}`, "combinations"},
		{"repetitions of repetitions", `{"type":"string","pattern":"^((((a{1,900}){1,900}){1,900}){1,900})$"}`, "#/pattern"},
		{"too large", `{"type":"string","description":"` + strings.Repeat("x", maxBytes) + `"}`, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := Grammar(json.RawMessage(c.schema))
			if fault.CodeOf(err) != fault.InvalidRequest || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q\n%s", err, c.want, cut(g))
			}
		})
	}
}

func TestAnyObjectIsWhatJSONModeWrites(t *testing.T) {
	s := gbnftest.NewSampler(t, JSONObject(), 3)
	for i := range 300 {
		text := s.Sentence(10 + i)
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
}

func TestTheOrderOfPropertiesIsTheSchemas(t *testing.T) {
	g, err := Grammar(json.RawMessage(`{"type":"object","properties":{"z":{"const":1},"a":{"const":2}},"required":["a","z"]}`))
	if err != nil || !gbnftest.Accepts(t, g, `{"z":1,"a":2}`) || gbnftest.Accepts(t, g, `{"a":2,"z":1}`) {
		t.Error(err, g)
	}
}

func FuzzGrammar(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		g, err := Grammar(json.RawMessage(raw))
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidRequest {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		s := gbnftest.NewSampler(t, g, 1)
		for i := range 3 {
			if text := s.Sentence(20 + 20*i); !json.Valid([]byte(text)) {
				t.Fatalf("%q is not JSON\n%s", text, raw)
			}
		}
	})
}

func TestAListedTextIsHeldToItsFormat(t *testing.T) {
	for name := range formats {
		if formatFits(name, "no such thing") {
			t.Errorf("%s takes anything", name)
		}
	}
}
