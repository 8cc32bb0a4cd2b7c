package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rbee/internal/gbnf"
	"rbee/internal/gbnf/gbnftest"
)

const weather = `[{"type":"function","function":{"name":"get_weather","description":"The weather at a place","parameters":{"type":"object",
"properties":{"place":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["place"]}}},
{"type":"function","function":{"name":"now"}}]`

// parsed is an answer put together again.
type parsed struct {
	Content string
	Calls   []string // name(arguments)
}

// parse pushes the pieces and checks that the deltas are a stream as OpenAI's clients expect it.
func parse(t testing.TB, f ToolFormat, pieces ...string) parsed {
	t.Helper()
	p := NewToolParser(f, weather)
	var out parsed
	ids := map[string]bool{}
	take := func(deltas []Delta) {
		for _, d := range deltas {
			switch c := d.Call; {
			case c == nil && d.Content == "":
				t.Error("an empty delta")
			case c == nil:
				out.Content += d.Content
			case c.Index == len(out.Calls):
				if c.ID == "" || ids[c.ID] || c.Name == "" {
					t.Errorf("the first of a call is %+v", c)
				}
				ids[c.ID] = true
				out.Calls = append(out.Calls, c.Name+" "+c.Arguments)
			case c.Index == len(out.Calls)-1 && c.ID == "" && c.Name == "":
				out.Calls[c.Index] += c.Arguments
			default:
				t.Errorf("%+v after %d calls", c, len(out.Calls))
			}
		}
	}
	for _, piece := range pieces {
		take(p.Push(piece))
	}
	take(p.Close())
	if p.Calls() != len(out.Calls) {
		t.Errorf("%d calls counted, %d seen", p.Calls(), len(out.Calls))
	}
	return out
}

func TestCallsAreFoundInEachFormat(t *testing.T) {
	paris := `get_weather {"place": "Paris {\"]}<", "days": 2}`
	args := strings.TrimPrefix(paris, "get_weather ")
	for _, c := range []struct {
		name    string
		format  ToolFormat
		answer  string
		content string
		calls   []string
	}{
		{"text", FormatHermes, " Hello,\n world <b> \n", " Hello,\n world <b> \n", nil},
		{"hermes", FormatHermes, "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": " + args + "}\n</tool_call>", "", []string{paris}},
		{"hermes after text", FormatHermes, "Let me see.\n\n<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>", "Let me see.", []string{"now {}"}},
		{"two of hermes", FormatHermes, "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": " + args + "}\n</tool_call>\n", "", []string{"now {}", paris}},
		{"hermes, arguments first", FormatHermes, "<tool_call>{\"arguments\": " + args + ", \"name\": \"get_weather\"}</tool_call>", "", []string{paris}},
		{"hermes, arguments as a text", FormatHermes, `<tool_call>{"name":"get_weather","arguments":"{\"place\":\"x\"}"}</tool_call>`, "", []string{`get_weather {"place":"x"}`}},
		{"hermes, no arguments", FormatHermes, `<tool_call>{"name":"now"}</tool_call>`, "", []string{"now {}"}},
		{"hermes, no end", FormatHermes, `<tool_call>{"name":"now","arguments":{}}`, "", []string{"now {}"}},
		{"hermes, text behind", FormatHermes, "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call> and so on", " and so on", []string{"now {}"}},
		{"hermes, unknown function", FormatHermes, "a <tool_call>{\"name\":\"rm\",\"arguments\":{}}</tool_call>", "a <tool_call>{\"name\":\"rm\",\"arguments\":{}}</tool_call>", nil},
		{"hermes, talk about it", FormatHermes, "Write <tool_call> and then <tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>", "Write <tool_call> and then", []string{"now {}"}},
		{"hermes, cut off", FormatHermes, "<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"place\":\"Pa", "", []string{`get_weather {"place":"Pa`}},
		{"hermes, cut off early", FormatHermes, "x <tool_call>{\"na", "x <tool_call>{\"na", nil},
		{"mistral", FormatMistral, "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": " + args + "}, {\"name\": \"now\", \"arguments\": {}}]", "", []string{paris, "now {}"}},
		{"mistral after text", FormatMistral, "Well [1]. [TOOL_CALLS][{\"name\":\"now\",\"arguments\":{}}]", "Well [1].", []string{"now {}"}},
		{"mistral, no list", FormatMistral, "[TOOL_CALLS] none", "[TOOL_CALLS] none", nil},
		{"llama", FormatLlama3, "{\"name\": \"get_weather\", \"parameters\": " + args + "}", "", []string{paris}},
		{"llama, type first", FormatLlama3, "\n{\"type\": \"function\", \"name\": \"now\", \"parameters\": {}}", "", []string{"now {}"}},
		{"llama, tag", FormatLlama3, "<|python_tag|>{\"name\": \"now\", \"parameters\": {}}", "", []string{"now {}"}},
		{"llama, two", FormatLlama3, "{\"name\": \"now\", \"parameters\": {}}; {\"name\": \"now\", \"parameters\": {}}", "", []string{"now {}", "now {}"}},
		{"llama, JSON that is no call", FormatLlama3, "{\"x\": [1, {\"name\": \"now\"}], \"b\": 1.5}", "{\"x\": [1, {\"name\": \"now\"}], \"b\": 1.5}", nil},
		{"llama, braces later", FormatLlama3, "Use {\"name\": \"now\", \"parameters\": {}}", "Use {\"name\": \"now\", \"parameters\": {}}", nil},
		{"generic", FormatGeneric, "{\"name\": \"now\", \"arguments\": {}}\n{\"name\": \"get_weather\", \"arguments\": " + args + "}", "", []string{"now {}", paris}},
		{"generic after thoughts", FormatGeneric, "<think>\nhm {\n</think>\n\n{\"name\": \"now\", \"arguments\": {}}", "<think>\nhm {\n</think>", []string{"now {}"}},
		{"generic, other characters", FormatGeneric, "Grüße 🙂 {", "Grüße 🙂 {", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := parsed{c.content, c.calls}
			if got := parse(t, c.format, c.answer); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("got  %q\nwant %q", got, want)
			}
			for i := range len(c.answer) { // every cut into two, and all cuts at once
				if got := parse(t, c.format, c.answer[:i], c.answer[i:]); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("cut at %d: got  %q\nwant %q", i, got, want)
				}
			}
			if got := parse(t, c.format, strings.Split(c.answer, "")...); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("byte by byte: got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestArgumentsPassThroughAsTheyCome(t *testing.T) {
	p := NewToolParser(FormatHermes, weather)
	p.Push("<tool_call>\n")
	got := p.Push(`{"name": "get_weather", "arguments": {"pl`)
	if len(got) != 2 || got[0].Call.Name != "get_weather" || got[1].Call.Arguments != `{"pl` {
		t.Fatalf("%+v", got)
	}
	if got = p.Push(`ace": "Pa`); len(got) != 1 || got[0].Call.Arguments != `ace": "Pa` {
		t.Errorf("%+v", got)
	}
}

func TestTextIsHeldBackNoLongerThanItMayBeACall(t *testing.T) {
	p := NewToolParser(FormatHermes, weather)
	for _, c := range []struct{ push, want string }{{"Hello", "Hello"}, {" wor", " wor"}, {"ld <too", "ld"}, {"ls>", " <tools>"}, {" a<", " a"}} {
		got := p.Push(c.push)
		if len(got) != 1 || got[0].Content != c.want {
			t.Errorf("%q: %+v, want %q", c.push, got, c.want)
		}
	}
}

func TestIDsFitTheirFormat(t *testing.T) {
	for f, want := range map[ToolFormat]int{FormatGeneric: 29, FormatMistral: 9} {
		if id := NewToolParser(f, weather).newID(); len(id) != want {
			t.Errorf("%s: %q", f, id)
		}
	}
}

// What the grammar lets a model write, the parser reads as calls and nothing else, and their arguments are JSON.
func TestEverySentenceOfAToolGrammarIsACall(t *testing.T) {
	for _, f := range []ToolFormat{FormatLlama3, FormatHermes, FormatMistral, FormatGeneric} {
		for _, choice := range []string{"required", "get_weather"} {
			for _, parallel := range []bool{false, true} {
				g, err := ToolGrammar(f, weather, choice, parallel)
				if err != nil {
					t.Fatal(err)
				}
				if err := gbnf.Check(g); err != nil {
					t.Fatal(err)
				}
				s := gbnftest.NewSampler(t, g, 1)
				most := 0
				for i := range 60 {
					answer := s.Sentence(20 + i*5)
					got := parse(t, f, answer)
					if most = max(most, len(got.Calls)); got.Content != "" || len(got.Calls) == 0 || len(got.Calls) > 1 && !parallel {
						t.Fatalf("%s %s: %q is %q", f, choice, answer, got)
					}
					for _, call := range got.Calls {
						name, args, _ := strings.Cut(call, " ")
						var m map[string]any
						if err := json.Unmarshal([]byte(args), &m); err != nil || choice == "get_weather" && name != choice || name == "get_weather" && m["place"] == nil {
							t.Fatalf("%s %s: %q is %q", f, choice, answer, got)
						}
					}
				}
				if parallel && f != FormatLlama3 && most < 2 {
					t.Errorf("%s: never more than one call", f)
				}
			}
		}
	}
}

func TestAToolChoiceThatCannotBeKeptIsRefused(t *testing.T) {
	for _, c := range []struct{ tools, choice, want string }{
		{weather, "nothing", "no such tool"},
		{"[]", "required", "no such tool"},
		{"{", "required", "cannot be read"},
		{`[{"type":"retrieval","function":{"name":"a"}}]`, "required", "only functions"},
		{`[{"type":"function","function":{}}]`, "required", "no name"},
		{`[{"function":{"name":"a"}},{"function":{"name":"a"}}]`, "a", "another one"},
		{`[{"function":{"name":"a","parameters":{"type":"string"}}}]`, "a", "exclude each other"},
		{`[{"function":{"name":"a","parameters":{"properties":{"x":{"not":{}}}}}}]`, "a", "tools[a].parameters/properties/x/not"},
	} {
		if _, err := ToolGrammar(FormatHermes, c.tools, c.choice, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.tools, c.choice, err, c.want)
		}
	}
}

// However an answer is cut, the parser reads the same, and without calls every byte of it is text.
func FuzzToolParser(f *testing.F) {
	f.Add("x <tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call> y <tool_call>{\"name\":", []byte{3, 1, 9})
	f.Add("[TOOL_CALLS] [{\"name\":\"now\",\"arguments\":{\"a\":[\"]\"]}},{\"name\":\"now\"}] z", []byte{1})
	f.Add("{\"name\":\"now\",\"parameters\":\"{}\"};{\"arguments\":{},\"name\":\"now\"}", []byte{2, 200})
	f.Add("<|python_tag|>{\"name\":\"now\",\"parameters\":{}} <|pyth", []byte{5})
	f.Fuzz(func(t *testing.T, answer string, cuts []byte) {
		if !utf8.ValidString(answer) {
			return
		}
		var pieces []string
		rest := answer
		for _, c := range cuts {
			n := min(int(c), len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		pieces = append(pieces, rest)
		for _, format := range []ToolFormat{FormatLlama3, FormatHermes, FormatMistral, FormatGeneric} {
			whole := parse(t, format, answer)
			if cut := parse(t, format, pieces...); cut.Content != whole.Content || !slices.Equal(cut.Calls, whole.Calls) {
				t.Errorf("%s: %q at once is %q, cut into %q is %q", format, answer, whole, pieces, cut)
			}
			if len(whole.Calls) == 0 && whole.Content != answer {
				t.Errorf("%s: %q became %q", format, answer, whole.Content)
			}
		}
	})
}
