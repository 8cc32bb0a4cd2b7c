package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/fault"
)

// The templates in testdata/families are ours, in the shape of each family's; what they must give was made by the
// reference implementation: Jinja2 3.1.6 as Hugging Face sets it up.
func family(t testing.TB, name string) *Template {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "families", name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := Parse(string(source), "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

type conversations struct {
	Chat, Call []realMessage
	Tools      json.RawMessage
}

type realMessage struct {
	Role, Content, Name string
	ToolCallID          string          `json:"tool_call_id"`
	ToolCalls           json.RawMessage `json:"tool_calls"`
}

func messagesOf(list []realMessage) []Message {
	var out []Message
	for _, m := range list {
		out = append(out, Message{Role: m.Role, Content: m.Content, Name: m.Name, ToolCallID: m.ToolCallID, ToolCallsJSON: string(m.ToolCalls)})
	}
	return out
}

func readConversations(t testing.TB) (c conversations) {
	t.Helper()
	raw, err := os.ReadFile("testdata/families/conversations.json")
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var july = func() time.Time { return time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC) }

func TestEachFamilyIsRenderedAsByTheReference(t *testing.T) {
	c := readConversations(t)
	wants, err := filepath.Glob("testdata/families/*.txt")
	if err != nil || len(wants) < 20 {
		t.Fatal(len(wants), err)
	}
	for _, file := range wants {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, conversation, _ := strings.Cut(name, ".")
			messages, o := messagesOf(c.Chat), Options{AddGenerationPrompt: true, Now: july}
			switch conversation {
			case "user":
				messages = messages[1:2]
			case "call":
				messages, o.ToolsJSON = messagesOf(c.Call), string(c.Tools)
			default:
				if name == "gemma" || name == "mistral-v1" {
					messages = messages[1:] // the reference has nowhere to put a system message
				}
			}
			got, err := family(t, name).Render(messages, o)
			if err != nil || got != string(want) {
				t.Errorf("%v\n got %q\nwant %q", err, got, want)
			}
		})
	}
}

func TestTheFormatOfCallsIsSeenInTheTemplate(t *testing.T) {
	for name, want := range map[string]ToolFormat{"chatml": FormatGeneric, "gemma": FormatGeneric, "llama3": FormatGeneric,
		"llama31-tools": FormatLlama3, "qwen-tools": FormatHermes, "mistral-nemo": FormatMistral, "mistral-v1": FormatGeneric} {
		if got := family(t, name).ToolFormat(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestASystemMessageReachesAModelThatHasNone(t *testing.T) {
	for name, want := range map[string]string{
		"gemma":      "<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\n",
		"mistral-v1": "<s>[INST] Be brief.\n\nHello [/INST]",
	} {
		got, err := family(t, name).Render([]Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Hello"}}, Options{AddGenerationPrompt: true})
		if err != nil || got != want {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, got, want)
		}
	}
}

func TestToolsReachAModelThatWasNotMadeForThem(t *testing.T) {
	c := readConversations(t)
	for _, name := range []string{"chatml", "gemma", "mistral-v1", "phi3", "llama3"} {
		got, err := family(t, name).Render(messagesOf(c.Call), Options{AddGenerationPrompt: true, ToolsJSON: string(c.Tools)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range []string{`"name":"get_weather"`, `{"name": "get_weather", "arguments": {"place":"Paris"`, "returned:\n{\"t\": 21}", "21 degrees", "Thanks"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, got)
			}
		}
	}
}

func TestArgumentsMayComeAsATextAsOpenAIHasThem(t *testing.T) {
	messages := []Message{{Role: "user", Content: "Weather?"},
		{Role: "assistant", ToolCallsJSON: `[{"id":"call_0123456789","type":"function","function":{"name":"get_weather","arguments":"{\"z\": 1, \"a\": \"ü\"}"}}]`},
		{Role: "tool", ToolCallID: "call_0123456789", Content: "21"}}
	for name, want := range map[string]string{
		"llama31-tools": `{"name": "get_weather", "parameters": {"z": 1, "a": "ü"}}`,
		"qwen-tools":    `{"name": "get_weather", "arguments": {"z": 1, "a": "ü"}}`,
		"mistral-nemo":  `{"name": "get_weather", "arguments": {"z": 1, "a": "ü"}, "id": "` + shortID("call_0123456789") + `"}`,
	} {
		got, err := family(t, name).Render(messages, Options{ToolsJSON: weather, Now: july})
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s\nwant %s", name, err, got, want)
		}
	}
}

func TestWhatATemplateRefusesIsTheRequestsFault(t *testing.T) {
	for name, messages := range map[string][]Message{
		"mistral-v1":    {{Role: "user", Content: "a"}, {Role: "user", Content: "b"}},
		"gemma":         {{Role: "assistant", Content: "a"}},
		"llama31-tools": {{Role: "user", Content: "a"}, {Role: "assistant", ToolCallsJSON: `[{"function":{"name":"a","arguments":{}}},{"function":{"name":"b","arguments":{}}}]`}},
	} {
		_, err := family(t, name).Render(messages, Options{Now: july})
		if fault.CodeOf(err) != fault.InvalidRequest || !strings.Contains(err.Error(), "refuses") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, o := range []Options{{ToolsJSON: "{"}, {ToolsJSON: `{"a":1}`}, {TemplateArgsJSON: "[]"}} {
		if _, err := family(t, "chatml").Render([]Message{{Role: "user", Content: "a"}}, o); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestATemplatesArgumentsAreSeenAndDoNotReplaceOurs(t *testing.T) {
	tpl := family(t, "qwen-tools")
	user := []Message{{Role: "user", Content: "a"}}
	got, err := tpl.Render(user, Options{AddGenerationPrompt: true, TemplateArgsJSON: `{"enable_thinking":false,"messages":[],"bos_token":"x"}`})
	if want := "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"; err != nil || got != want {
		t.Errorf("%v %q", err, got)
	}
}
