package llamacpp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/chat"
	"rbee/internal/gbnf"
	"rbee/internal/schema"
)

// vocabulary loads the demo model's words straight from llama.cpp, past this package.
func vocabulary(t *testing.T) llama.Vocab {
	t.Helper()
	open(t)
	params := llama.ModelDefaultParams()
	params.VocabOnly = 1
	model, err := llama.ModelLoadFromFile(demoModel, params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = llama.ModelFree(model) })
	return llama.ModelGetVocab(model)
}

// takes reports whether llama.cpp's own parser takes a grammar.
func takes(vocab llama.Vocab, grammar string) bool {
	s := llama.SamplerInitGrammar(vocab, grammar, gbnf.Root)
	if s == 0 {
		return false
	}
	llama.SamplerFree(s)
	return true
}

func TestLlamaCppTakesEveryGrammarThatIsMade(t *testing.T) {
	vocab := vocabulary(t)
	grammars := map[string]string{"JSON": schema.JSONObject()}
	files, err := filepath.Glob("../../schema/testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if grammars[filepath.Base(f)], err = schema.Grammar(raw); err != nil {
			t.Fatal(f, err)
		}
		tool := `[{"type":"function","function":{"name":"f","parameters":` + string(raw) + `}}]`
		for _, format := range []chat.ToolFormat{chat.FormatLlama3, chat.FormatHermes, chat.FormatMistral, chat.FormatGeneric} {
			g, err := chat.ToolGrammar(format, tool, "required", true)
			if err != nil && !strings.Contains(err.Error(), "exclude each other") { // not all of them are objects
				t.Fatal(f, err)
			}
			if err == nil {
				grammars[filepath.Base(f)+" as a tool of "+string(format)] = g
			}
		}
	}
	for _, raw := range []string{
		`{"type":"string","maxLength":20000}`, `{"type":"array","items":{"type":"null"},"minItems":1200,"maxItems":2300}`,
		`{"type":"string","pattern":"^[^\"\\\\\\]\\-^]{1,900}$"}`, `{"type":"number","minimum":-12.345,"maximum":98765.4321}`,
		`{"enum":["]","[^-]","\"\\\n\u0007","\u00e9\u2028\ud83d\ude42"]}`,
		`{"type":"object","properties":{"a\"]\\":{},"^-é":{}},"additionalProperties":true}`,
		`{"type":"string","format":"ipv6"}`, `{"type":"string","format":"date-time"}`, `{"type":"string","format":"email"}`, `{"type":"string","format":"uri"}`,
	} {
		if grammars[raw], err = schema.Grammar(json.RawMessage(raw)); err != nil {
			t.Fatal(raw, err)
		}
	}
	for name, g := range grammars {
		if !takes(vocab, g) {
			t.Errorf("%s: llama.cpp does not take\n%.3000s", name, g)
		}
	}
}

// What gbnf.Check lets through llama.cpp takes. The other way round there is more that it takes, and should not.
func TestLlamaCppTakesWhatTheCheckLetsThrough(t *testing.T) {
	vocab := vocabulary(t)
	for _, g := range []string{
		`root ::= "x"`, "# a comment\nroot ::= (\n  a |\n  b # another\n)\na ::= [^\"\\\\\\x7F\\x00-\\x1F]+\r\nb ::= .{2,5} \"\\u00e9\\U0001F600\\t\"",
		"root ::= list\nlist ::= \"[\" (item (\",\" item)*)? \"]\"\nitem ::= [0-9] | list", "root ::= \"a\" |\n  \"b\"",
		`root ::= [a-z-] [\]\[-] "x"{3} "y"{3,} "z"{0,3}`, "root ::= a a\na ::= \"\" | \"x\"", `root ::= "x"{1999}`, `root ::= ("x" [0-9]?){0,600}`,
		"root ::= " + strings.Repeat("(", gbnf.MaxNesting) + `"x"` + strings.Repeat(")", gbnf.MaxNesting),
	} {
		if err := gbnf.Check(g); err != nil {
			t.Errorf("%.200s: %v", g, err)
		} else if !takes(vocab, g) {
			t.Errorf("llama.cpp does not take %.200s", g)
		}
	}
	for _, g := range []string{"root ::= root \"x\" | \"y\"", "root ::= a", `root ::= [a`, "root = \"x\"", `root ::= (""?)*`} {
		if takes(vocab, g) || gbnf.Check(g) == nil {
			t.Errorf("%q is taken", g)
		}
	}
}

// llama.cpp knows the main families without running their templates. Both must write the same.
func TestTemplatesGiveWhatLlamaCppWrites(t *testing.T) {
	open(t)
	conversation := []chat.Message{
		{Role: "system", Content: "You are a helpful assistant"}, {Role: "user", Content: "Hello"},
		{Role: "assistant", Content: "Hi there"}, {Role: "user", Content: "Who are you"},
	}
	for _, name := range []string{"chatml", "llama3", "gemma", "phi3", "zephyr"} {
		source, err := os.ReadFile("../../chat/testdata/families/" + name + ".jinja")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(source), "eos_token", "'<|endoftext|>'")
		tpl, err := chat.Parse(text, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= len(conversation); n++ {
			if n == 1 || conversation[n-1].Role == "assistant" {
				continue
			}
			ours, err := tpl.Render(conversation[:n], chat.Options{AddGenerationPrompt: true})
			if err != nil {
				t.Fatal(name, err)
			}
			list := make([]llama.ChatMessage, n)
			for i, m := range conversation[:n] {
				list[i] = llama.NewChatMessage(m.Role, m.Content)
			}
			buf := make([]byte, 4096)
			known := text
			if name == "zephyr" { // by its text llama.cpp takes it for another one
				known = name
			}
			size := llama.ChatApplyTemplate(known, list, true, buf)
			if size <= 0 {
				t.Fatalf("%s: llama.cpp does not know it", name)
			}
			if theirs := string(buf[:size]); ours != theirs {
				t.Errorf("%s, %d messages:\nours   %q\ntheirs %q", name, n, ours, theirs)
			}
		}
	}
}
