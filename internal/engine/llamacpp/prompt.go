package llamacpp

import (
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// Limits on stop strings: they are looked for after every token, on the thread that computes for everybody.
const (
	maxStops     = 32
	maxStopBytes = 512
)

// tokenize turns a request into tokens: the chat template applied, special tokens recognised, begin-of-text added
// where the model wants it. It may run on any goroutine: the vocabulary never changes.
func (m *model) tokenize(r engine.Request) ([]llama.Token, error) {
	if err := checkText(r); err != nil {
		return nil, err
	}
	if len(r.Tokens) > 0 {
		return m.asTokens("prompt", r.Tokens)
	}
	text, err := m.prompt(r)
	if err != nil {
		return nil, err
	}
	tokens := llama.Tokenize(m.vocab, text, true, true)
	if len(tokens) == 0 {
		return nil, fault.New(fault.InvalidRequest, "the prompt is empty")
	}
	return tokens, nil
}

// asTokens takes tokens as they are.
func (m *model) asTokens(field string, ids []int32) ([]llama.Token, error) {
	tokens := make([]llama.Token, len(ids))
	for i, id := range ids {
		if err := m.checkToken(field, id); err != nil {
			return nil, err
		}
		tokens[i] = llama.Token(id)
	}
	return tokens, nil
}

// checkText refuses what C cannot take: a zero byte would cut a text short, or worse.
func checkText(r engine.Request) error {
	texts := append([]string{r.Prompt}, r.Stop...)
	for _, m := range r.Messages {
		texts = append(texts, m.Role, m.Content)
	}
	for _, t := range texts {
		if at := strings.IndexByte(t, 0); at >= 0 {
			return fault.New(fault.InvalidRequest, "the text has a zero byte at position %d", at)
		}
	}
	if len(r.Stop) > maxStops {
		return fault.New(fault.InvalidRequest, "%d stop strings: there may be %d", len(r.Stop), maxStops).With("field", "stop")
	}
	for _, s := range r.Stop {
		if s == "" || len(s) > maxStopBytes {
			return fault.New(fault.InvalidRequest, "a stop string has %d bytes: it must have between 1 and %d", len(s), maxStopBytes).With("field", "stop")
		}
	}
	return nil
}

// prompt is the text of a request as the model reads it.
func (m *model) prompt(r engine.Request) (string, error) {
	messages := r.Messages
	if len(messages) == 0 {
		messages = []engine.Message{{Role: "user", Content: r.Prompt}}
	}
	if r.Raw || m.template == nil {
		contents := make([]string, len(messages))
		for i, msg := range messages {
			contents[i] = msg.Content
		}
		return strings.Join(contents, "\n"), nil
	}
	text, err := m.template.render(messages, r.Chat)
	if err != nil {
		return "", err
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		return "", fault.New(fault.InvalidRequest, "the chat has a zero byte at position %d", at)
	}
	if llama.VocabGetAddBOS(m.vocab) { // the tokenizer writes it too
		text = strings.TrimPrefix(text, m.textOf(llama.VocabBOS(m.vocab)))
	}
	return text, nil
}

// applyKnown writes a chat without running its template (a Jinja program): llama.cpp recognises some fifty of them and
// has each in C++.
func applyKnown(template string, messages []engine.Message) (string, error) {
	size := 256
	chat := make([]llama.ChatMessage, len(messages))
	for i, m := range messages {
		chat[i] = llama.NewChatMessage(m.Role, m.Content)
		size += 2 * (len(m.Role) + len(m.Content) + 32)
	}
	for range 2 {
		buf := make([]byte, size)
		n := int(llama.ChatApplyTemplate(template, chat, true, buf))
		if n < 0 {
			return "", fault.New(fault.InvalidRequest, "llama.cpp does not know this model's chat template").
				WithHint("send the prompt as it is, with the model's own markers in it: --raw").
				With("template", firstLine(template))
		}
		if n <= size {
			return string(buf[:n]), nil
		}
		size = n
	}
	return "", fault.New(fault.Internal, "the chat template grew while it was applied")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line[:min(len(line), 120)]
}
