package llamacpp

import (
	"fmt"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/chat"
	"rbee/internal/engine"
	"rbee/internal/fault"
)

// template writes a conversation as the model was taught to read it. A nil one is of a model that brings none.
type template struct {
	source string
	own    *chat.Template // nil if it cannot be read: then llama.cpp's list of known ones must do
}

func (m *model) readTemplate() {
	source := llama.ModelChatTemplate(m.weights, "")
	m.info.ToolFormat = string(chat.FormatOf(source))
	if source == "" {
		return
	}
	m.info.HasTemplate = true
	m.template = &template{source: source}
	t, err := chat.Parse(source, m.textOf(llama.VocabBOS(m.vocab)), m.textOf(llama.VocabEOS(m.vocab)))
	if err != nil {
		warn(fmt.Sprintf("%v; llama.cpp's own reading of it is used, which knows no tools", err))
		return
	}
	m.template.own = t
	m.info.ToolFormat = string(t.ToolFormat())
}

func (m *model) textOf(t llama.Token) string {
	if t == llama.TokenNull {
		return ""
	}
	return llama.VocabGetText(m.vocab, t)
}

// render writes messages up to where the model's answer begins.
func (t *template) render(messages []engine.Message, o engine.ChatOptions) (string, error) {
	if t.own == nil {
		return applyKnown(t.source, messages)
	}
	turns := make([]chat.Message, len(messages))
	for i, m := range messages {
		turns[i] = chat.Message(m)
	}
	options := chat.Options{ToolsJSON: o.ToolsJSON, TemplateArgsJSON: o.TemplateArgsJSON, AddGenerationPrompt: true}
	if o.ToolChoice == "none" {
		options.ToolsJSON = ""
	}
	text, err := t.own.Render(turns, options)
	if err != nil {
		e := fault.From(err)
		if e.Code == fault.ModelCorrupt { // a template that fails on this chat is no damaged file: others may go well
			e = fault.Wrap(fault.InvalidRequest, err, "%s", e.Message)
		}
		return "", e.WithHint("send the prompt as it is, with the model's own markers in it: --raw").With("template", firstLine(t.source))
	}
	return text, nil
}

// grammarOf returns the grammar that an answer must follow: of the tools, if one must be called; else the request's
// own.
func (m *model) grammarOf(r engine.Request) (string, error) {
	switch c := r.Chat; {
	case c.ToolsJSON == "" || c.ToolChoice == "" || c.ToolChoice == "auto" || c.ToolChoice == "none":
		return r.Sampling.Grammar, nil
	default:
		return chat.ToolGrammar(chat.ToolFormat(m.info.ToolFormat), c.ToolsJSON, c.ToolChoice, c.ParallelToolCalls)
	}
}
