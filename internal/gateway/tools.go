package gateway

import (
	"rbee/internal/openai"
)

// parser cuts an answer into text and calls while it arrives.
type parser interface {
	Push(text string) []delta
	Close() []delta
	Calls() int // found so far
}

// delta is a piece of text, or of a call.
type delta struct {
	Content string
	Call    *openai.Call
}

// newParser reads what a model wrote in its own way of calling tools.
func newParser(format, toolsJSON string) parser { return nil }
