package chat

import "strings"

// ToolFormat is how a model writes tool calls.
type ToolFormat string

const (
	FormatLlama3  ToolFormat = "llama3"  // {"name": ..., "parameters": {...}} and nothing else
	FormatHermes  ToolFormat = "hermes"  // <tool_call>{"name": ..., "arguments": {...}}</tool_call>: Qwen, Hermes
	FormatMistral ToolFormat = "mistral" // [TOOL_CALLS][{"name": ..., "arguments": {...}}]
	FormatGeneric ToolFormat = "generic" // {"name": ..., "arguments": {...}}, as our own system message asks for
)

// FormatOf tells from a chat template's source how its model writes tool calls.
func FormatOf(source string) ToolFormat {
	has := func(s string) bool { return strings.Contains(source, s) }
	switch {
	case has("[TOOL_CALLS]"):
		return FormatMistral
	case has("<tool_call>") && !has("<function="):
		return FormatHermes
	case has("<|start_header_id|>") && has("ipython") && showsTools(source):
		return FormatLlama3
	}
	return FormatGeneric
}

// showsTools tells whether a template puts the tools it is given in front of the model.
func showsTools(source string) bool { return strings.Contains(source, "tools") }
