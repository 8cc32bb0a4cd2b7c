package chat

import (
	"encoding/json"

	"rbee/internal/fault"
	"rbee/internal/gbnf"
	"rbee/internal/schema"
)

// maxCallsAtOnce is how many calls a grammar lets a model make in one answer.
const maxCallsAtOnce = 16

// ToolGrammar makes a grammar (GBNF) of which every sentence is a valid call in that format: of any of the tools if
// choice is "required", else of the function named by choice. With parallel there may be several calls, where the
// format has a way to say so. The arguments fit the function's parameters.
// Errors are INVALID_REQUEST faults: an unknown function, parameters whose schema no grammar can hold.
func ToolGrammar(format ToolFormat, toolsJSON, choice string, parallel bool) (string, error) {
	tools, err := toolsOf(toolsJSON)
	if err != nil {
		return "", err
	}
	b := schema.NewBuilder()
	var calls gbnf.Alt
	for _, t := range tools {
		if choice != "required" && choice != t.Function.Name {
			continue
		}
		parameters := t.Function.Parameters
		if len(parameters) == 0 || string(parameters) == "null" {
			parameters = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		arguments, err := b.AddObject("tools["+t.Function.Name+"].parameters", parameters)
		if err != nil {
			return "", fault.From(err).With("field", "tools")
		}
		name, _ := json.Marshal(t.Function.Name)
		calls = append(calls, b.Rule("call", gbnf.Seq{
			text(`{"name": ` + string(name) + `, "` + format.marks().arguments + `": `), arguments, text("}"),
		}))
	}
	if len(calls) == 0 {
		return "", fault.New(fault.InvalidRequest, "tool_choice asks for %q, and there is no such tool", choice).With("field", "tool_choice")
	}
	more := 0
	if parallel {
		more = maxCallsAtOnce - 1
	}
	return b.Grammar(format.calls(b, b.Rule("any-call", calls), more))
}

// calls writes one call and up to more others as the format has them.
func (f ToolFormat) calls(b *schema.Builder, call gbnf.Node, more int) gbnf.Node {
	and := func(n ...gbnf.Node) gbnf.Node {
		return gbnf.Repeat{Node: b.Rule("another", gbnf.Seq(n)), Max: more}
	}
	switch f {
	case FormatHermes:
		one := b.Rule("tagged", gbnf.Seq{text("<tool_call>\n"), call, text("\n</tool_call>")})
		return gbnf.Seq{one, and(text("\n"), one)}
	case FormatMistral:
		blank := gbnf.Repeat{Node: text(" "), Max: 1}
		return gbnf.Seq{text("[TOOL_CALLS]"), blank, text("["), call, and(text(", "), call), text("]")}
	case FormatLlama3: // it was taught one call an answer
		return call
	}
	return gbnf.Seq{call, and(text("\n"), call)}
}

func text(s string) gbnf.Node { return gbnf.Literal([]rune(s)) }
