package llamacpp_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/fault"
	"rbee/internal/models/benchmodel"
)

// templated loads a small model with that chat template, and returns what is logged about it.
func templated(t *testing.T, template string) (engine.Model, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "templated.gguf")
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{Template: template}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	e, err := llamacpp.Open(llamacpp.Options{Dir: libraries, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer open(t) // takes the log away again
	m, err := e.Load(context.Background(), engine.LoadOptions{Path: path, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, log.String()
}

// readsAs says whether a chat is read as that text.
func readsAs(t *testing.T, m engine.Model, r engine.Request, text string) {
	t.Helper()
	r.MaxTokens = 8
	got, want := generate(t, m, r), generate(t, m, engine.Request{Prompt: text, Raw: true, MaxTokens: 8})
	if got.result.PromptTokens != want.result.PromptTokens || got.text != want.text {
		t.Errorf("%d tokens, %q; %q has %d, %q", got.result.PromptTokens, got.text, text, want.result.PromptTokens, want.text)
	}
}

func TestATemplateIsGivenAllOfTheChat(t *testing.T) {
	m, _ := templated(t, "{{ bos_token }}{% for t in tools or [] %}[{{ t.function.name }}]{% endfor %}{% for m in messages %}{{ m.role }} {{ m.name or '' }}: {{ m.content }}; {% endfor %}{{ mood or '' }}{% if add_generation_prompt %}go:{% endif %}")
	r := engine.Request{
		Messages: []engine.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: "hello", Name: "ann"}},
		Chat:     engine.ChatOptions{ToolsJSON: `[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]`, TemplateArgsJSON: `{"mood":"calm "}`},
	}
	readsAs(t, m, r, "[look]system : be brief; user ann: hello; calm go:")
	r.Chat.ToolChoice = "none"
	readsAs(t, m, r, "system : be brief; user ann: hello; calm go:")
}

func TestATemplateThatCannotBeReadIsLeftToLlamaCppAndTheLogSaysSo(t *testing.T) {
	m, log := templated(t, "{% this is no template: <|im_start|> %}")
	readsAs(t, m, engine.Request{Messages: []engine.Message{{Role: "user", Content: "hello"}}}, "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n")
	if !strings.Contains(log, "llama.cpp's own reading") {
		t.Errorf("log: %q", log)
	}
	if _, log := templated(t, "{{ messages[0].content }}"); strings.Contains(log, "reading") {
		t.Errorf("a good template, log: %q", log)
	}
}

func TestAToolThatMustBeCalledIsCalled(t *testing.T) {
	m := load(t, engine.LoadOptions{Context: 1024, Threads: 1})
	tools := `[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"where":{"enum":["up","down"]}},"required":["where"],"additionalProperties":false}}},` +
		`{"type":"function","function":{"name":"count","parameters":{"type":"object","properties":{"to":{"type":"boolean"}},"required":["to"],"additionalProperties":false}}}]`
	for choice, names := range map[string]string{"required": "look|count", "look": "look", "count": "count"} {
		for seed := range uint32(3) {
			r := engine.Request{Prompt: "hello world", Chat: engine.ChatOptions{ToolsJSON: tools, ToolChoice: choice}, Sampling: engine.Sampling{Temperature: float64(seed) / 2, Seed: seed}}
			a := generate(t, m, r)
			form := regexp.MustCompile(`^\s*\{\s*"name":\s*"(` + names + `)",\s*"arguments":\s*\{\s*("where"\s*:\s*"(up|down)"|"to"\s*:\s*(true|false))\s*\}\s*\}\s*$`)
			if !form.MatchString(a.text) || a.result.FinishReason != engine.FinishStop {
				t.Errorf("choice %s, seed %d: %q, %s", choice, seed, a.text, a.result.FinishReason)
			}
		}
	}
	r := engine.Request{Prompt: "hello world", MaxTokens: 8, Chat: engine.ChatOptions{ToolsJSON: tools, ToolChoice: "nobody"}}
	if _, err := m.Generate(context.Background(), r, func(engine.Event) error { return nil }); fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("a tool that is not there: %v", err)
	}
	r.Chat.ToolChoice = "auto"
	if a := generate(t, m, r); strings.HasPrefix(strings.TrimSpace(a.text), "{") {
		t.Errorf("a tool that may be called: %q", a.text)
	}
}
