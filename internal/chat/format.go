package chat

import "strings"

// ToolFormat is how a model writes tool calls.
type ToolFormat string

const (
	FormatLlama3  ToolFormat = "llama3"  // the answer is {"name": ..., "parameters": {...}}, <|python_tag|> before it or not
	FormatHermes  ToolFormat = "hermes"  // <tool_call>{"name": ..., "arguments": {...}}</tool_call>, several, text before: Qwen, Hermes
	FormatMistral ToolFormat = "mistral" // [TOOL_CALLS][{"name": ..., "arguments": {...}}, ...], text before
	FormatGeneric ToolFormat = "generic" // the answer is {"name": ..., "arguments": {...}}, one a line, as our own system message asks for
)

// FormatOf tells from a chat template's source how its model writes tool calls. What it does not recognise is
// generic: Render then tells the model itself how to.
func FormatOf(source string) ToolFormat {
	has := func(s string) bool { return strings.Contains(source, s) }
	switch {
	case has("[TOOL_CALLS]") && !has("[ARGS]"):
		return FormatMistral
	case has("<tool_call>") && !has("<function=") && !has("<arg_key>"):
		return FormatHermes
	case has("<|start_header_id|>") && has("ipython") && has("parameters"):
		return FormatLlama3
	}
	return FormatGeneric
}

// marks are what a format begins and ends calls with.
type marks struct {
	begin, end string
	brace      bool // a call may begin without begin: the answer begins with {
	list       bool // calls stand in a JSON array
	arguments  string
}

func (f ToolFormat) marks() marks {
	switch f {
	case FormatLlama3:
		return marks{begin: "<|python_tag|>", brace: true, arguments: "parameters"}
	case FormatHermes:
		return marks{begin: "<tool_call>", end: "</tool_call>", arguments: "arguments"}
	case FormatMistral:
		return marks{begin: "[TOOL_CALLS]", list: true, arguments: "arguments"}
	}
	return marks{brace: true, arguments: "arguments"}
}

// Markers are the texts around calls that may be single, special tokens of the model: whoever makes text of an
// answer's tokens must write them out, or no call is recognised.
func (f ToolFormat) Markers() []string {
	var out []string
	for _, s := range []string{f.marks().begin, f.marks().end} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
