package openai

import (
	"strconv"

	"rbee/internal/api"
	"rbee/messages"
)

// Call is a tool call, or a part of one: what is "" has been said or comes later.
type Call struct {
	Index     int
	ID        string
	Name      string
	Arguments string
}

// ChatChunks writes a chat that is streamed.
type ChatChunks struct{ chunks }

// NewChatChunks begins a stream.
func NewChatChunks(h *Head) *ChatChunks {
	return &ChatChunks{newChunks(h, "chat.completion.chunk")}
}

// AppendRole appends a choice's first chunk.
func (c *ChatChunks) AppendRole(b []byte, index int) []byte {
	b = c.open(b, index)
	return c.close(append(b, `,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null`...))
}

// AppendText appends a piece of the answer; logprobs may be empty.
func (c *ChatChunks) AppendText(b []byte, index int, text string, logprobs []*messages.TokenLogprob) []byte {
	b = append(c.open(b, index), `,"delta":{"content":`...)
	b = append(api.AppendString(b, text), '}')
	b = appendChatLogprobs(b, logprobs)
	return c.close(append(b, `,"finish_reason":null`...))
}

// AppendCall appends a part of a tool call.
func (c *ChatChunks) AppendCall(b []byte, index int, call Call) []byte {
	b = append(c.open(b, index), `,"delta":{"tool_calls":[{"index":`...)
	b = strconv.AppendInt(b, int64(call.Index), 10)
	if call.ID != "" {
		b = append(b, `,"id":`...)
		b = api.AppendString(b, call.ID)
		b = append(b, `,"type":"function"`...)
	}
	b = append(b, `,"function":{`...)
	if call.Name != "" {
		b = append(b, `"name":`...)
		b = append(api.AppendString(b, call.Name), ',')
	}
	b = append(b, `"arguments":`...)
	b = api.AppendString(b, call.Arguments)
	return c.close(append(b, `}}]},"logprobs":null,"finish_reason":null`...))
}

// AppendFinish appends a choice's last chunk.
func (c *ChatChunks) AppendFinish(b []byte, index int, reason string, m Moved) []byte {
	b = append(c.open(b, index), `,"delta":{},"logprobs":null`...)
	return c.close(m.append(finish(b, reason)))
}

// ChatChoice is a whole answer.
type ChatChoice struct {
	Text     string
	Calls    []Call
	Logprobs []*messages.TokenLogprob
	Finish   string
	Moved    Moved
}

// AppendChat appends a whole response.
func AppendChat(b []byte, h *Head, choices []ChatChoice, u *messages.Usage) []byte {
	b = h.begin(b, "chat.completion")
	for i := range choices {
		if i > 0 {
			b = append(b, ',')
		}
		b = choices[i].append(b, i)
	}
	b = append(b, `],"usage":`...)
	return append(appendUsage(b, u), "}\n"...)
}

func (c *ChatChoice) append(b []byte, index int) []byte {
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = append(b, `,"message":{"role":"assistant","content":`...)
	if c.Text == "" && len(c.Calls) > 0 {
		b = append(b, "null"...)
	} else {
		b = api.AppendString(b, c.Text)
	}
	b = append(b, `,"refusal":null`...)
	for i, call := range c.Calls {
		if i == 0 {
			b = append(b, `,"tool_calls":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = api.AppendString(b, call.ID)
		b = append(b, `,"type":"function","function":{"name":`...)
		b = api.AppendString(b, call.Name)
		b = append(b, `,"arguments":`...)
		b = append(api.AppendString(b, call.Arguments), "}}"...)
	}
	if len(c.Calls) > 0 {
		b = append(b, ']')
	}
	b = append(b, '}')
	b = appendChatLogprobs(b, c.Logprobs)
	return append(c.Moved.append(finish(b, c.Finish)), '}')
}

func appendChatLogprobs(b []byte, all []*messages.TokenLogprob) []byte {
	if len(all) == 0 {
		return append(b, `,"logprobs":null`...)
	}
	b = append(b, `,"logprobs":{"content":[`...)
	for i, l := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendChatLogprob(b, l), `,"top_logprobs":[`...)
		for j, t := range l.GetTop() {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(appendChatLogprob(b, t), '}')
		}
		b = append(b, "]}"...)
	}
	return append(b, `],"refusal":null}`...)
}

// appendChatLogprob leaves its object open.
func appendChatLogprob(b []byte, l *messages.TokenLogprob) []byte {
	b = append(b, `{"token":`...)
	b = api.AppendString(b, string(l.GetBytes()))
	b = append(b, `,"logprob":`...)
	b = appendLogprob(b, l.GetLogprob())
	b = append(b, `,"bytes":[`...)
	for i, c := range l.GetBytes() {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(c), 10)
	}
	return append(b, ']')
}
