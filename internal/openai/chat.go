package openai

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rbee/internal/api"
)

// ChatRequest is the body of POST /v1/chat/completions.
type ChatRequest struct {
	Common
	Messages            []Message         `json:"messages"`
	MaxCompletionTokens *int64            `json:"max_completion_tokens"`
	Logprobs            *bool             `json:"logprobs"`
	TopLogprobs         *int64            `json:"top_logprobs"`
	ResponseFormat      *ResponseFormat   `json:"response_format"`
	Tools               Tools             `json:"tools"`
	ToolChoice          ToolChoice        `json:"tool_choice"`
	ParallelToolCalls   *bool             `json:"parallel_tool_calls"`
	Functions           Raw               `json:"functions"`
	FunctionCall        Raw               `json:"function_call"`
	Modalities          []string          `json:"modalities"`
	Audio               Raw               `json:"audio"`
	ReasoningEffort     *string           `json:"reasoning_effort"`
	Metadata            map[string]string `json:"metadata"`
	ChatTemplateArgs    Raw               `json:"chat_template_kwargs"` // variables for the model's template, as llama-server and vLLM have it
}

// Message is one turn of a chat.
type Message struct {
	Role       string    `json:"role"`
	Content    Content   `json:"content"`
	Name       *string   `json:"name"`
	ToolCallID *string   `json:"tool_call_id"`
	ToolCalls  ToolCalls `json:"tool_calls"`
	Refusal    *string   `json:"refusal"`
}

// ToolCalls are the calls in a message of the assistant. Templates are given them as they came.
type ToolCalls struct {
	Raw  jsontext.Value // "" = none
	List []ToolCall
}

// ToolCall is one call that the assistant made.
type ToolCall struct {
	ID       string        `json:"id"`
	Type     string        `json:"type"`
	Function *FunctionCall `json:"function"`
}

// FunctionCall is what was called; the arguments are JSON in a string.
type FunctionCall struct {
	Name      string  `json:"name"`
	Arguments *string `json:"arguments"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *ToolCalls) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	c.Raw = raw.Clone()
	if err := json.Unmarshal(c.Raw, &c.List); err != nil {
		return problemOf(err, paramOf(d.StackPointer()))
	}
	return nil
}

func (r *ChatRequest) check() *Problem {
	if p := first(
		r.Common.check(),
		r.checkMessages(),
		whole("max_tokens", r.MaxTokens, 1, api.MaxTokens),
		whole("max_completion_tokens", r.MaxCompletionTokens, 1, api.MaxTokens),
		r.checkLogprobs(),
		r.Tools.check(),
		r.ToolChoice.check(&r.Tools),
		r.checkUnsupported(),
		r.checkMetadata(),
	); p != nil {
		return p
	}
	if r.MaxTokens != nil && r.MaxCompletionTokens != nil && *r.MaxTokens != *r.MaxCompletionTokens {
		return wrong("max_tokens", codeValue, strconv.FormatInt(*r.MaxTokens, 10), "nothing beside max_completion_tokens")
	}
	if k := r.ChatTemplateArgs.kind(); k != 0 && k != '{' {
		return wrong("chat_template_kwargs", codeType, kindName(k), "an object")
	}
	form, p := r.Form()
	if p == nil && !form.Free() && r.ToolChoice.mayCall(&r.Tools) && !r.ToolChoice.mustCall() {
		p = unsupported(form.Param, "the model cannot both be free to call tools and be held to a form", "send tool_choice none or required, or no tools")
	}
	return p
}

func (r *ChatRequest) checkMessages() *Problem {
	if r.Messages == nil {
		return missing("messages")
	}
	if len(r.Messages) == 0 {
		return wrong("messages", codeEmpty, "an empty array", "one message at least")
	}
	if p := list("messages", len(r.Messages), api.MaxMessages); p != nil {
		return p
	}
	total := 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if p := m.check(i); p != nil {
			return p
		}
		total += len(m.Content.Text) + len(m.ToolCalls.Raw)
	}
	if total > api.MaxTextBytes {
		return wrong("messages", codeTooLong, strconv.Itoa(total)+" bytes long", "up to "+strconv.Itoa(api.MaxTextBytes))
	}
	return nil
}

func (m *Message) check(i int) *Problem {
	at := "messages[" + strconv.Itoa(i) + "]"
	switch m.Role {
	case "system", "developer", "user":
		if !m.Content.Set {
			return missing(at + ".content")
		}
	case "assistant":
		if !m.Content.Set && len(m.ToolCalls.List) == 0 && m.Refusal == nil {
			return missing(at + ".content")
		}
	case "tool":
		switch {
		case !m.Content.Set:
			return missing(at + ".content")
		case m.ToolCallID == nil || *m.ToolCallID == "":
			return missing(at + ".tool_call_id")
		}
	case "function":
		return unsupported(at+".role", "function", "send the result of a call as role tool with its tool_call_id")
	case "":
		return missing(at + ".role")
	default:
		return wrong(at+".role", codeValue, quoted(m.Role), "system, developer, user, assistant or tool")
	}
	if len(m.ToolCalls.List) > 0 && m.Role != "assistant" {
		return wrong(at+".tool_calls", codeValue, "given", "nothing unless role is assistant")
	}
	if p := first(text(at+".content", m.Content.Text), line(at+".name", or(m.Name, ""), 64), line(at+".tool_call_id", or(m.ToolCallID, ""), 256)); p != nil {
		return p
	}
	return m.ToolCalls.check(at + ".tool_calls")
}

func (c *ToolCalls) check(at string) *Problem {
	if p := list(at, len(c.List), maxTools); p != nil {
		return p
	}
	for i, one := range c.List {
		at := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case one.Type != "function" && one.Type != "":
			return wrong(at+".type", codeValue, quoted(one.Type), "function")
		case one.Function == nil:
			return missing(at + ".function")
		case one.Function.Name == "":
			return missing(at + ".function.name")
		case one.Function.Arguments == nil:
			return missing(at + ".function.arguments")
		}
	}
	return nil
}

func (r *ChatRequest) checkLogprobs() *Problem {
	if r.TopLogprobs != nil && !is(r.Logprobs) {
		return wrong("top_logprobs", codeValue, strconv.FormatInt(*r.TopLogprobs, 10), "nothing unless logprobs is true")
	}
	return whole("top_logprobs", r.TopLogprobs, 0, maxLogprobs)
}

func (r *ChatRequest) checkUnsupported() *Problem {
	if r.Functions.kind() != 0 {
		return unsupported("functions", "it was replaced by tools", "send tools")
	}
	if r.FunctionCall.kind() != 0 {
		return unsupported("function_call", "it was replaced by tool_choice", "send tool_choice")
	}
	if r.Audio.kind() != 0 {
		return unsupported("audio", "the models here write text", "")
	}
	for i, m := range r.Modalities {
		if m != "text" {
			return unsupported(fmt.Sprintf("modalities[%d]", i), "the models here write text, not "+quoted(m), "")
		}
	}
	if r.ReasoningEffort != nil {
		return line("reasoning_effort", *r.ReasoningEffort, 32)
	}
	return nil
}

func (r *ChatRequest) checkMetadata() *Problem {
	if p := list("metadata", len(r.Metadata), maxMetadata); p != nil {
		return p
	}
	for k, v := range r.Metadata {
		if len(k) > 64 || len(v) > 512 {
			return wrong("metadata."+shorten(k, 20), codeTooLong, strconv.Itoa(len(k))+" and "+strconv.Itoa(len(v))+" bytes long", "a name of up to 64 and a value of up to 512")
		}
	}
	return nil
}

// Form is what the answer must look like.
func (r *ChatRequest) Form() (Form, *Problem) {
	f, p := r.ResponseFormat.form()
	if p != nil {
		return Form{}, p
	}
	if other := r.Constraint.form(); !other.Free() {
		if !f.Free() {
			return Form{}, wrong(other.Param, codeValue, "given", "nothing beside "+f.Param)
		}
		f = other
	}
	return f, size(f.Param, len(f.Grammar)+len(f.Schema))
}

// MayCall says whether the answer can hold calls of tools.
func (r *ChatRequest) MayCall() bool { return r.ToolChoice.mayCall(&r.Tools) }
