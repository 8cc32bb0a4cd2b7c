package openai

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Tools is "tools". Templates are given it as it came; what is decoded serves the checks.
type Tools struct {
	Raw  jsontext.Value // "" = none
	List []Tool
}

// Tool is one function that the model may call.
type Tool struct {
	Type     string    `json:"type"`
	Function *Function `json:"function"`
}

// Function describes a tool.
type Function struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Parameters  Raw     `json:"parameters"` // a JSON schema
	Strict      *bool   `json:"strict"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Tools) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	t.Raw = raw.Clone()
	if err := json.Unmarshal(t.Raw, &t.List); err != nil {
		return problemOf(err, paramOf(d.StackPointer()))
	}
	return nil
}

func (t *Tools) check() *Problem {
	if p := first(list("tools", len(t.List), maxTools), size("tools", len(t.Raw))); p != nil {
		return p
	}
	seen := map[string]bool{}
	for i, one := range t.List {
		at := fmt.Sprintf("tools[%d]", i)
		switch {
		case one.Type == "":
			return missing(at + ".type")
		case one.Type != "function":
			return wrong(at+".type", codeValue, quoted(one.Type), "function")
		case one.Function == nil:
			return missing(at + ".function")
		}
		f := one.Function
		if p := name(at+".function.name", f.Name); p != nil {
			return p
		}
		if seen[f.Name] {
			return wrong(at+".function.name", codeValue, quoted(f.Name)+" again", "a name of its own")
		}
		seen[f.Name] = true
		if k := f.Parameters.kind(); k != 0 && k != '{' {
			return wrong(at+".function.parameters", codeType, kindName(k), "a JSON schema, which is an object")
		}
	}
	return nil
}

// ToolChoice is "tool_choice": a word, or the function that must be called.
type ToolChoice struct {
	Word string // "", "none", "auto", "required"
	Name string
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *ToolChoice) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	switch d.PeekKind() {
	case '"':
		return json.UnmarshalDecode(d, &c.Word)
	case '{':
	default:
		return mistyped(d, "a string or an object")
	}
	var named struct {
		Type     string    `json:"type"`
		Function *Function `json:"function"`
	}
	if err := part(d, &named); err != nil {
		return err
	}
	at := paramOf(d.StackPointer())
	switch {
	case named.Type == "allowed_tools" || named.Type == "custom":
		return unsupported(at+".type", named.Type, "send only the tools that may be called, and tool_choice auto or required")
	case named.Type != "function":
		return wrong(at+".type", codeValue, quoted(named.Type), "function")
	case named.Function == nil || named.Function.Name == "":
		return missing(at + ".function.name")
	}
	c.Name = named.Function.Name
	return nil
}

func (c *ToolChoice) check(t *Tools) *Problem {
	const at = "tool_choice"
	switch c.Word {
	case "", "none", "auto":
	case "required":
		if len(t.List) == 0 {
			return wrong(at, codeValue, `"required"`, "none or auto when there are no tools")
		}
	default:
		return wrong(at, codeValue, quoted(c.Word), "none, auto, required or a function")
	}
	if c.Name == "" {
		return nil
	}
	if c.Name == "none" || c.Name == "auto" || c.Name == "required" {
		return unsupported(at+".function.name", "a function named "+c.Name+" cannot be chosen", "give it another name, or use tool_choice required")
	}
	for _, one := range t.List {
		if one.Function.Name == c.Name {
			return nil
		}
	}
	return wrong(at+".function.name", codeValue, quoted(c.Name), "the name of one of tools")
}

// text is the choice as messages.ChatOptions has it.
func (c *ToolChoice) text() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Word
}

// mayCall says whether the answer can hold calls; mustCall, whether it can hold nothing else.
func (c *ToolChoice) mayCall(t *Tools) bool { return len(t.List) > 0 && c.Word != "none" }
func (c *ToolChoice) mustCall() bool        { return c.Name != "" || c.Word == "required" }
