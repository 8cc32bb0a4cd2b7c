package gateway_test

import (
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"

	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/messages"
)

// What the model writes in its own way arrives as OpenAI's calls, whole and in parts.
func TestCallsAreCutOutOfTheText(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Event(gateway.Event{Accepted: &messages.Accepted{ToolFormat: "hermes"}})
		s.Tokens("Let me see. <tool", "_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":", " \"Paris\"}}\n</tool_call>")
		s.Tokens("\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>")
		s.Done("stop", 5)
	}}
	c := official(t, b, gateway.Options{})
	p := hi("demo")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather"})}
	check := func(how string, one openai.ChatCompletionChoice) {
		t.Helper()
		calls := one.Message.ToolCalls
		if one.FinishReason != "tool_calls" || len(calls) != 2 || one.Message.Content != "Let me see." {
			t.Fatalf("%s: %s %q, %d calls", how, one.FinishReason, one.Message.Content, len(calls))
		}
		if calls[0].Function.Name != "weather" || calls[0].Function.Arguments != `{"city": "Paris"}` || calls[1].Function.Arguments != `{"city": "Rome"}` || calls[0].ID == "" || calls[0].ID == calls[1].ID {
			t.Errorf("%s: %+v", how, calls)
		}
	}
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	check("whole", got.Choices[0])
	s, acc := c.Chat.Completions.NewStreaming(t.Context(), p), openai.ChatCompletionAccumulator{}
	for s.Next() {
		acc.AddChunk(s.Current())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	check("stream", acc.Choices[0])

	// Without tools the same text is text.
	p.Tools = nil
	got, err = c.Chat.Completions.New(t.Context(), p)
	if err != nil || got.Choices[0].FinishReason != "stop" || len(got.Choices[0].Message.ToolCalls) != 0 {
		t.Errorf("without tools: %v %s", err, got.RawJSON())
	}
}
