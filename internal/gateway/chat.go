package gateway

import (
	"net/http"
	"strings"

	"rbee/internal/chat"
	"rbee/internal/openai"
	"rbee/messages"
)

// chat serves POST /v1/chat/completions.
func (g *gateway) chat(w http.ResponseWriter, r *http.Request) {
	a, err := g.arrive(w, r, "chatcmpl-")
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	req, err := openai.DecodeChat(a.body)
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	all, err := req.Generates(a.head.ID, grammars{})
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	h := a.head
	h.Model, h.Usage = req.Model, req.WantsUsage()
	by := chatTools{}
	if req.MayCall() {
		by.tools = string(req.Tools.Raw)
	}
	var to recorder = &chatWhole{chatTools: by, head: h, choices: make([]chatGathered, len(all))}
	if req.Streams() {
		to = &chatStream{chatTools: by, head: h, chunks: openai.NewChatChunks(h), begun: make([]bool, len(all))}
	}
	g.exchange(w, r, all, &exchange{to: to, began: a.began, asks: "messages", streamed: req.Streams(), perInput: len(all)})
}

// chatTools are those that the answers may call; "" = none.
type chatTools struct{ tools string }

func (t chatTools) parser(format string) *chat.ToolParser {
	if t.tools == "" || format == "" {
		return nil
	}
	return chat.NewToolParser(chat.ToolFormat(format), t.tools)
}

// chatStream writes chunks.
type chatStream struct {
	chatTools
	head   *openai.Head
	chunks *openai.ChatChunks
	begun  []bool // each answer begins with a chunk of its role
}

func (c *chatStream) tools(_ int, format string) *chat.ToolParser { return c.parser(format) }

func (c *chatStream) open(b []byte, i int) []byte {
	if c.begun[i] {
		return b
	}
	c.begun[i] = true
	return c.chunks.AppendRole(b, i)
}

func (c *chatStream) text(b []byte, i int, text string, l []*messages.TokenLogprob) []byte {
	return c.chunks.AppendText(c.open(b, i), i, text, l)
}

func (c *chatStream) call(b []byte, i int, call openai.Call) []byte {
	return c.chunks.AppendCall(c.open(b, i), i, call)
}

func (c *chatStream) end(b []byte, i int, reason string, m openai.Moved) []byte {
	return c.chunks.AppendFinish(c.open(b, i), i, reason, m)
}

func (c *chatStream) settle(b []byte, u *messages.Usage) []byte {
	if c.head.Usage {
		b = c.chunks.AppendUsage(b, u)
	}
	return append(b, openai.Done...)
}

// chatWhole gathers the answers.
type chatWhole struct {
	chatTools
	head    *openai.Head
	choices []chatGathered
}

type chatGathered struct {
	openai.ChatChoice
	content strings.Builder
	args    []strings.Builder // of the calls
}

func (c *chatWhole) tools(_ int, format string) *chat.ToolParser { return c.parser(format) }

func (c *chatWhole) text(b []byte, i int, text string, l []*messages.TokenLogprob) []byte {
	c.choices[i].content.WriteString(text)
	c.choices[i].Logprobs = append(c.choices[i].Logprobs, l...)
	return b
}

func (c *chatWhole) call(b []byte, i int, call openai.Call) []byte {
	g := &c.choices[i]
	if call.ID != "" || len(g.Calls) == 0 {
		g.Calls, g.args = append(g.Calls, call), append(g.args, strings.Builder{})
	}
	g.args[len(g.args)-1].WriteString(call.Arguments)
	return b
}

func (c *chatWhole) end(b []byte, i int, reason string, m openai.Moved) []byte {
	c.choices[i].Finish, c.choices[i].Moved = reason, m
	return b
}

func (c *chatWhole) settle(b []byte, u *messages.Usage) []byte {
	all := make([]openai.ChatChoice, len(c.choices))
	for i := range c.choices {
		g := &c.choices[i]
		g.Text = g.content.String()
		for j := range g.Calls {
			g.Calls[j].Arguments = g.args[j].String()
		}
		all[i] = g.ChatChoice
	}
	return openai.AppendChat(b, c.head, all, u)
}
