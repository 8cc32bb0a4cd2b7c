package chat

import (
	"encoding/json"
	"strings"
)

// callReader reads one call, {"name": ..., "arguments": {...}}, byte by byte. As soon as the name and the beginning of
// the arguments are known the call is certain, and the arguments pass through as they come.
type callReader struct {
	raw       strings.Builder // all of it, from the mark on, until it is certain
	step      callStep
	key       string
	value     strings.Builder // the value or key being read, unless it passes through
	depth     int
	inString  bool
	escaped   bool
	passing   bool // the value is the arguments of a call that is certain
	committed bool
	index     int

	name      string
	arguments *string
	pending   strings.Builder // arguments that were not passed on yet
}

type callStep int

const (
	beforeObject callStep = iota
	beforeKey
	inKey
	beforeColon
	beforeValue
	inValue
)

type callResult int

const (
	callGoesOn callResult = iota
	callDone
	callFailed // it is none
	callBroken // it was certain, and goes on as no call does
)

// maxUncertain is how long it may take until a call is certain.
const maxUncertain = 64 << 10

func (r *callReader) feed(p *ToolParser, c byte) callResult {
	if !r.committed {
		if r.raw.WriteByte(c); r.raw.Len() > maxUncertain {
			return callFailed
		}
	}
	no := callFailed
	if r.committed {
		no = callBroken
	}
	switch r.step {
	case beforeObject:
		if c == '{' {
			r.step = beforeKey
		} else if !blank(c) {
			return no
		}
	case beforeKey:
		switch {
		case c == '"':
			r.step = inKey
			r.value.Reset()
			r.value.WriteByte(c)
		case c == '}':
			return r.end(p)
		case c != ',' && !blank(c):
			return no
		}
	case inKey:
		r.value.WriteByte(c)
		switch {
		case r.escaped:
			r.escaped = false
		case c == '\\':
			r.escaped = true
		case c == '"':
			_ = json.Unmarshal([]byte(r.value.String()), &r.key)
			r.step = beforeColon
		}
	case beforeColon:
		if c == ':' {
			r.step = beforeValue
		} else if !blank(c) {
			return no
		}
	case beforeValue:
		if !blank(c) {
			return r.beginValue(p, c)
		}
	case inValue:
		return r.feedValue(p, c)
	}
	return callGoesOn
}

func (r *callReader) isArguments() bool { return r.key == "arguments" || r.key == "parameters" }

func (r *callReader) beginValue(p *ToolParser, c byte) callResult {
	r.step, r.depth, r.inString, r.escaped = inValue, 0, false, false
	r.value.Reset()
	if r.passing = r.isArguments() && c == '{' && r.name != "" && r.arguments == nil; r.passing {
		r.commit(p)
		r.arguments = new(string)
	}
	return r.feedValue(p, c)
}

// feedValue reads a value to its end: of a text its quote, of brackets the last one, of all others what follows.
func (r *callReader) feedValue(p *ToolParser, c byte) callResult {
	ends := false
	switch {
	case r.inString:
		switch {
		case r.escaped:
			r.escaped = false
		case c == '\\':
			r.escaped = true
		case c == '"':
			r.inString = false
			ends = r.depth == 0
		}
	case c == '"':
		r.inString = true
	case c == '{' || c == '[':
		r.depth++
	case (c == '}' || c == ']') && r.depth > 0:
		r.depth--
		ends = r.depth == 0
	case r.depth == 0 && (c == ',' || c == '}' || blank(c)): // a number or a word has ended before
		if res := r.endValue(p); res != callGoesOn {
			return res
		}
		if c == '}' {
			return r.end(p)
		}
		return callGoesOn
	case r.depth == 0 && c == ']':
		return map[bool]callResult{true: callBroken, false: callFailed}[r.committed]
	}
	if r.passing {
		r.pending.WriteByte(c)
	} else {
		r.value.WriteByte(c)
	}
	if ends {
		return r.endValue(p)
	}
	return callGoesOn
}

func (r *callReader) endValue(p *ToolParser) callResult {
	r.step = beforeKey
	passed := r.passing
	r.passing = false
	value := r.value.String()
	switch {
	case passed:
	case r.key == "name" && r.name == "":
		if json.Unmarshal([]byte(value), &r.name) != nil || r.name == "" || p.names != nil && !p.names[r.name] {
			return callFailed
		}
		if r.arguments != nil {
			r.commit(p)
			r.pending.WriteString(*r.arguments)
		}
	case r.isArguments() && r.arguments == nil:
		var inner string
		if json.Unmarshal([]byte(value), &inner) == nil && json.Valid([]byte(inner)) { // written as a text
			value = inner
		}
		if strings.TrimSpace(value) == "null" {
			value = "{}"
		}
		if !strings.HasPrefix(strings.TrimSpace(value), "{") || !json.Valid([]byte(value)) {
			return callFailed
		}
		r.arguments = &value
		if r.name != "" {
			r.commit(p)
			r.pending.WriteString(value)
		}
	}
	return callGoesOn
}

// end is the call's last bracket.
func (r *callReader) end(p *ToolParser) callResult {
	if r.name == "" {
		return callFailed
	}
	if !r.committed {
		r.commit(p)
		r.pending.WriteString("{}")
	}
	return callDone
}

func (r *callReader) commit(p *ToolParser) {
	r.committed = true
	r.index = p.calls
	p.calls++
	p.space = nil
	p.emit(Delta{Call: &CallDelta{Index: r.index, ID: p.newID(), Name: r.name}})
}

// flush passes on the arguments that came since the last time.
func (r *callReader) flush(p *ToolParser) {
	if r.pending.Len() > 0 {
		p.emit(Delta{Call: &CallDelta{Index: r.index, Arguments: r.pending.String()}})
		r.pending.Reset()
	}
}
