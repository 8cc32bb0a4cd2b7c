package chat

import (
	"strings"
	"time"
)

// features are what a template can show a model. A template says that nowhere, so each is tried once: it is given
// something with a word that occurs nowhere else, and either shows the word or does not.
type features struct {
	system        bool // a system message
	tools         bool // the tools
	calls         bool // calls that the model made
	textArguments bool // their arguments as a text, as OpenAI has them; else as the object in the text
	results       bool // what the tools answered
	shortIDs      bool // calls have ids of nine letters and digits only
}

const probeWord = "zqprobe"

func (t *Template) probe() {
	// Until it is known better everything is given to the template as it is.
	t.features = features{system: true, tools: true, calls: true, results: true}
	user := Message{Role: "user", Content: "hello"}
	if !t.shows("hello", []Message{user}, Options{}) {
		return // it cannot be tried; what it cannot do it will say itself
	}
	f := &t.features
	f.system = t.shows(probeWord, []Message{{Role: "system", Content: probeWord}, user}, Options{})
	tools := Options{ToolsJSON: `[{"type":"function","function":{"name":"` + probeWord + `","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string","description":"d"}},"required":["a"]}}}]`}
	f.tools = t.shows(probeWord, []Message{user}, tools)
	call := func(id string) []Message {
		return []Message{user,
			{Role: "assistant", ToolCallsJSON: `[{"id":"` + id + `","type":"function","function":{"name":"fn","arguments":"{\"a\":\"` + probeWord + `\"}"}}]`},
			{Role: "tool", Name: "fn", ToolCallID: id, Content: probeWord + "result"}}
	}
	const long, short = "call_0123456789abcdef", "abcdefgh1"
	try := func(id string) bool {
		f.textArguments = false
		if !t.shows(probeWord, call(id)[:2], tools) {
			return false
		}
		// A template that just writes the object, as Python does, wants the text.
		f.textArguments = t.shows("'"+probeWord+"'", call(id)[:2], tools)
		return true
	}
	f.calls = try(long)
	if !f.calls {
		f.shortIDs = true
		f.calls = try(short)
		f.shortIDs = f.calls
	}
	f.results = f.calls && (t.shows(probeWord+"result", call(long), tools) || t.shows(probeWord+"result", call(short), tools))
}

// shows reports whether a text is in what the template makes of a conversation.
func (t *Template) shows(text string, messages []Message, o Options) bool {
	o.Now = func() time.Time { return time.Time{} }
	o.AddGenerationPrompt = true
	got, err := t.render(messages, o)
	return err == nil && strings.Contains(got, text)
}
