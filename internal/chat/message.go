package chat

import "time"

// Message is one turn of a conversation, in OpenAI's terms. Content is text: whoever accepts contents of several
// parts joins them first.
type Message struct {
	Role, Content string
	Name          string // who speaks, for templates that show it
	ToolCallID    string // of a "tool" message: the call it answers
	ToolCallsJSON string // of an "assistant" message: a JSON array in OpenAI's shape, or ""
}

// Options are what a template is given beside the messages.
type Options struct {
	ToolsJSON           string           // a JSON array of tools in OpenAI's shape, or ""
	TemplateArgsJSON    string           // a JSON object of further variables, or ""; they do not replace our own
	AddGenerationPrompt bool             // end with what begins the model's answer
	Now                 func() time.Time // for templates that tell the date; nil = time.Now
}
