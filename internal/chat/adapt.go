package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
)

// adapt writes a conversation in a way that the template can show: what it has no place for goes into messages that
// it has one for. A template that shows everything gets everything as it is.
func (t *Template) adapt(messages []Message, o Options) ([]Message, Options) {
	f := t.features
	if o.ToolsJSON != "" && !f.tools {
		messages = addSystem(messages, toolsPrompt(o.ToolsJSON))
		o.ToolsJSON = ""
	}
	out := make([]Message, 0, len(messages))
	results := false // the last message was a result that became the user's
	for _, m := range messages {
		if m.ToolCallsJSON != "" && !f.calls {
			m.Content = strings.TrimLeft(m.Content+"\n"+callsText(m.ToolCallsJSON), "\n")
			m.ToolCallsJSON = ""
		}
		result := m.Role == "tool" && !f.results
		if result {
			m = Message{Role: "user", Content: "The function" + ofFunction(m.Name) + " returned:\n" + m.Content}
		}
		if f.shortIDs {
			m.ToolCallID = shortID(m.ToolCallID)
			m.ToolCallsJSON = shortIDs(m.ToolCallsJSON)
		}
		if results && m.Role == "user" { // templates want the roles to alternate
			out[len(out)-1].Content += "\n\n" + m.Content
			continue
		}
		results = result
		out = append(out, m)
	}
	if !f.system {
		out = systemToUser(out)
	}
	return out, o
}

func ofFunction(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

func addSystem(messages []Message, text string) []Message {
	if len(messages) > 0 && messages[0].Role == "system" {
		first := messages[0]
		first.Content += "\n\n" + text
		return append([]Message{first}, messages[1:]...)
	}
	return append([]Message{{Role: "system", Content: text}}, messages...)
}

// systemToUser puts system messages in front of what the user says next, as llama.cpp does for such models.
func systemToUser(messages []Message) []Message {
	var out []Message
	var held []string
	for _, m := range messages {
		switch {
		case m.Role == "system":
			held = append(held, m.Content)
			continue
		case m.Role == "user" && len(held) > 0:
			m.Content = strings.Join(append(held, m.Content), "\n\n")
			held = nil
		}
		out = append(out, m)
	}
	if len(held) > 0 {
		out = append(out, Message{Role: "user", Content: strings.Join(held, "\n\n")})
	}
	return out
}

// described is a tool as toolsPrompt shows it.
type described struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

// toolsPrompt tells a model of tools whose template does not.
func toolsPrompt(toolsJSON string) string {
	tools, err := toolsOf(toolsJSON)
	if err != nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("You can call these functions:\n\n")
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, t := range tools {
		_ = lines.Encode(described{t.Function.Name, t.Function.Description, t.Function.Parameters}) // into memory
	}
	b.WriteString("\nTo call one, answer with nothing but a JSON object, one line for each call:\n")
	b.WriteString(`{"name": "<the function>", "arguments": {<its arguments>}}` + "\n")
	b.WriteString("If no function helps, answer as usual.")
	return b.String()
}

// callsText writes calls as toolsPrompt asks for them.
func callsText(callsJSON string) string {
	var calls []struct {
		Function struct {
			Name      string
			Arguments json.RawMessage
		}
	}
	if json.Unmarshal([]byte(callsJSON), &calls) != nil {
		return callsJSON
	}
	var lines []string
	for _, c := range calls {
		arguments := string(c.Function.Arguments)
		var inner string
		if json.Unmarshal(c.Function.Arguments, &inner) == nil {
			arguments = inner
		}
		var line bytes.Buffer
		if json.Compact(&line, []byte(arguments)) == nil {
			arguments = line.String()
		}
		name, _ := json.Marshal(c.Function.Name)
		lines = append(lines, fmt.Sprintf(`{"name": %s, "arguments": %s}`, name, arguments))
	}
	return strings.Join(lines, "\n")
}

// shortID makes nine letters and digits of any id, always the same.
func shortID(id string) string {
	if id == "" || len(id) == 9 && strings.IndexFunc(id, func(r rune) bool { return !alphanumeric(r) }) < 0 {
		return id
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, 9)
	for i, n := 0, h.Sum64(); i < len(out); i, n = i+1, n/36 {
		out[i] = letters[n%36]
	}
	return string(out)
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func shortIDs(callsJSON string) string {
	var calls []map[string]json.RawMessage
	if callsJSON == "" || json.Unmarshal([]byte(callsJSON), &calls) != nil {
		return callsJSON
	}
	for _, c := range calls {
		var id string
		if json.Unmarshal(c["id"], &id) == nil {
			c["id"], _ = json.Marshal(shortID(id))
		}
	}
	out, err := json.Marshal(calls)
	if err != nil {
		return callsJSON
	}
	return string(out)
}
