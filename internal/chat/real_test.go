package chat

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var realCases = flag.String("templates", "", "a JSON file of templates, what they are given, and what the reference implementation makes of it")

type realCase struct {
	Name, Template string
	Data           map[string]json.RawMessage
	Want           *string
	Error          *string
}

// Templates of real models are not ours to keep here. Whoever has some compares them with
// go test ./internal/chat -run Real -args -templates=FILE; the fields are those of realCase.
func TestRealTemplates(t *testing.T) {
	if *realCases == "" {
		return
	}
	raw, err := os.ReadFile(*realCases)
	if err != nil {
		t.Fatal(err)
	}
	var cases []realCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	same, both, refused := 0, 0, map[string]bool{}
	for _, c := range cases {
		got, err := c.render()
		switch {
		case c.Want == nil && err != nil:
			both++
		case c.Want == nil:
			t.Logf("%s: the reference fails: %s", c.Name, *c.Error)
		case err != nil:
			if !refused[err.Error()+c.Template] {
				t.Errorf("%s: %v", c.Name, err)
			}
			refused[err.Error()+c.Template] = true
		case got != *c.Want:
			i := 0
			for i < len(got) && i < len(*c.Want) && got[i] == (*c.Want)[i] {
				i++
			}
			t.Errorf("%s differs at %d:\n got ...%.80q\nwant ...%.80q", c.Name, i, got[max(0, i-20):], (*c.Want)[max(0, i-20):])
		default:
			same++
		}
	}
	t.Logf("%d of %d the same, %d refused by both", same, len(cases), both)
}

func (c realCase) render() (string, error) {
	text := func(v json.RawMessage) (s string) { _ = json.Unmarshal(v, &s); return s }
	tpl, err := Parse(c.Template, text(c.Data["bos_token"]), text(c.Data["eos_token"]))
	if err != nil {
		return "", err
	}
	var messages []realMessage
	if err := json.Unmarshal(c.Data["messages"], &messages); err != nil {
		return "", err
	}
	o := Options{ToolsJSON: string(c.Data["tools"]), AddGenerationPrompt: string(c.Data["add_generation_prompt"]) == "true", Now: july}
	if o.ToolsJSON == "null" {
		o.ToolsJSON = ""
	}
	args := map[string]json.RawMessage{}
	for k, v := range c.Data {
		if k != "messages" && k != "tools" {
			args[k] = v
		}
	}
	if raw, err := json.Marshal(args); err == nil {
		o.TemplateArgsJSON = string(raw)
	}
	return tpl.render(messagesOf(messages), o) // without adapt: the reference gets it as it is, too
}
