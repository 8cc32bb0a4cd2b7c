package chat

import (
	"crypto/rand"
	"strings"
)

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
//
// Nothing is held back but what may yet be a call: the beginning of a mark, or a call whose name is not known. What
// turns out to be none is text, to the letter. White space before a call, and at the end behind one, is dropped.
type ToolParser struct {
	marks marks
	names map[string]bool // nil = any
	newID func() string

	state   parserState
	held    string                 // what may be the beginning of a mark
	space   []byte                 // white space that is text if text follows
	begun   bool                   // the answer has begun with something else than a call
	tail    [len(thoughtsEnd)]byte // the last bytes of the text
	content strings.Builder        // text that was not emitted yet
	call    *callReader
	calls   int
	emitted []Delta
}

// thoughtsEnd is where models that think aloud begin their answer.
const thoughtsEnd = "</think>"

type parserState int

const (
	inText    parserState = iota
	inCall                // after a beginning
	closing               // after a call, before its end mark
	between               // after a call, where another may follow
	beforeSet             // after a beginning, before the [ of a list
)

// NewToolParser makes a parser for an answer in that format. toolsJSON are the tools that may be called, as in
// Options: what calls none of them is text. If they cannot be read, any name is taken.
func NewToolParser(format ToolFormat, toolsJSON string) *ToolParser {
	p := &ToolParser{marks: format.marks(), newID: func() string { return "call_" + rand.Text()[:24] }}
	if format == FormatMistral {
		p.newID = func() string { return rand.Text()[:9] } // its templates take no other
	}
	if tools, err := toolsOf(toolsJSON); err == nil {
		p.names = map[string]bool{}
		for _, t := range tools {
			p.names[t.Function.Name] = true
		}
	}
	return p
}

// Push takes more of the answer and returns what it is known to be.
func (p *ToolParser) Push(text string) []Delta {
	for i := range len(text) {
		p.feed(text[i])
	}
	return p.take()
}

// Close ends the answer and returns what was held back.
func (p *ToolParser) Close() []Delta {
	switch p.state {
	case inCall, beforeSet:
		if p.call.committed {
			p.call.flush(p)
		} else {
			p.text(p.call.raw.String())
		}
	default:
		p.text(p.held)
	}
	p.held = ""
	if p.calls == 0 {
		p.content.Write(p.space)
	}
	p.state, p.space, p.call = inText, nil, nil
	return p.take()
}

// Calls is how many calls were found so far: with any, the answer's finish reason is "tool_calls".
func (p *ToolParser) Calls() int { return p.calls }

func (p *ToolParser) take() []Delta {
	if p.call != nil && p.call.committed {
		p.call.flush(p)
	}
	p.flushContent()
	out := p.emitted
	p.emitted = nil
	return out
}

func (p *ToolParser) emit(d Delta) {
	p.flushContent()
	p.emitted = append(p.emitted, d)
}

func (p *ToolParser) flushContent() {
	if p.content.Len() > 0 {
		p.emitted = append(p.emitted, Delta{Content: p.content.String()})
		p.content.Reset()
	}
}

// text passes text on; white space at its end waits for what follows.
func (p *ToolParser) text(s string) {
	for i := range len(s) {
		p.textByte(s[i])
	}
}

func (p *ToolParser) textByte(c byte) {
	if blank(c) {
		p.space = append(p.space, c)
		return
	}
	p.content.Write(p.space)
	p.content.WriteByte(c)
	p.space = p.space[:0]
	p.begun = true
	copy(p.tail[:], p.tail[1:])
	p.tail[len(p.tail)-1] = c
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (p *ToolParser) feed(c byte) {
	switch p.state {
	case inText:
		p.feedText(c)
	case beforeSet:
		p.call.raw.WriteByte(c)
		switch {
		case c == '[':
			p.state = inCall
		case !blank(c):
			p.failed(c)
		}
	case inCall:
		p.feedCall(c)
	case closing:
		p.feedMark(c, p.marks.end, func() { p.state, p.space = inText, nil })
	case between:
		p.feedBetween(c)
	}
}

func (p *ToolParser) feedText(c byte) {
	if p.marks.brace && p.held == "" && (!p.begun || string(p.tail[:]) == thoughtsEnd) && c == '{' {
		p.begin("")
		p.feedCall(c)
		return
	}
	if p.marks.begin == "" {
		p.textByte(c)
		return
	}
	p.feedMark(c, p.marks.begin, func() { p.begin(p.marks.begin) })
}

// feedMark waits for a mark; what is none is text.
func (p *ToolParser) feedMark(c byte, mark string, found func()) {
	if p.held == "" && blank(c) {
		p.space = append(p.space, c)
		return
	}
	p.held += string([]byte{c})
	if p.held == mark {
		p.held = ""
		found()
		return
	}
	if strings.HasPrefix(mark, p.held) {
		return
	}
	all := p.held
	p.held, p.state = "", inText
	p.text(all[:1])
	for i := range len(all) - 1 {
		p.feed(all[i+1])
	}
}

func (p *ToolParser) begin(raw string) {
	p.call = &callReader{}
	p.call.raw.WriteString(raw)
	p.state = inCall
	if p.marks.list {
		p.state = beforeSet
	}
}

func (p *ToolParser) feedCall(c byte) {
	switch p.call.feed(p, c) {
	case callFailed:
		p.failed(c)
	case callDone:
		p.call.flush(p)
		p.call = nil
		p.state = between
		if p.marks.end != "" {
			p.state = closing
		}
	case callBroken: // it was passed on already; what does not belong to it is text
		p.call.flush(p)
		p.call, p.state = nil, inText
		p.feed(c)
	}
}

// failed makes text of what was taken for a call. The last byte may begin another one.
func (p *ToolParser) failed(c byte) {
	raw := p.call.raw.String()
	p.call, p.state = nil, inText
	p.text(raw[:len(raw)-1])
	if p.marks.begin != "" && p.marks.begin[0] == c {
		p.feed(c)
		return
	}
	p.textByte(c)
}

// feedBetween looks for another call, or the end of the list.
func (p *ToolParser) feedBetween(c byte) {
	switch {
	case blank(c):
		p.space = append(p.space, c)
	case p.marks.list && c == ']':
		p.space, p.held, p.state = nil, "", inText
	case p.held == "" && (c == ',' || c == ';' && p.marks.brace):
		p.held = string(p.space) + string([]byte{c})
		p.space = nil
	case c == '{':
		raw := p.held + string(p.space)
		p.held, p.space = "", nil
		p.begin(raw)
		p.state = inCall
		p.feedCall(c)
	default:
		rest := p.held + string(p.space)
		p.held, p.space, p.state = "", nil, inText
		p.text(rest)
		p.feed(c)
	}
}
