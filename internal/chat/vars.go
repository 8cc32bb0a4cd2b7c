package chat

import (
	"encoding/json"

	"github.com/ardanlabs/jinja"

	"rbee/internal/fault"
)

// variables are what the template sees.
func (t *Template) variables(messages []Message, o Options) (map[string]jinja.Value, error) {
	vars := map[string]jinja.Value{}
	if o.TemplateArgsJSON != "" {
		args, err := valueOf(o.TemplateArgsJSON)
		if err != nil || !args.IsDict() {
			return nil, fault.New(fault.InvalidRequest, "the template's arguments are not a JSON object").With("field", "chat_template_kwargs")
		}
		for _, k := range args.AsDict().Keys {
			vars[k], _ = args.AsDict().Get(k)
		}
	}
	list := make([]jinja.Value, len(messages))
	for i, m := range messages {
		v, err := m.value()
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	vars["messages"] = jinja.NewList(list)
	vars["bos_token"] = jinja.NewString(t.bos)
	vars["eos_token"] = jinja.NewString(t.eos)
	vars["add_generation_prompt"] = jinja.NewBool(o.AddGenerationPrompt)
	if o.ToolsJSON != "" {
		tools, err := valueOf(o.ToolsJSON)
		if err != nil || !tools.IsList() {
			return nil, fault.New(fault.InvalidRequest, "the tools are not a JSON array").With("field", "tools")
		}
		vars["tools"] = tools
	}
	return vars, nil
}

func (m Message) value() (jinja.Value, error) {
	v := jinja.NewDict()
	d := v.AsDict()
	d.Set("role", jinja.NewString(m.Role))
	d.Set("content", jinja.NewString(m.Content))
	if m.Name != "" {
		d.Set("name", jinja.NewString(m.Name))
	}
	if m.ToolCallID != "" {
		d.Set("tool_call_id", jinja.NewString(m.ToolCallID))
	}
	if m.ToolCallsJSON != "" {
		calls, err := valueOf(m.ToolCallsJSON)
		if err != nil || !calls.IsList() {
			return v, fault.New(fault.InvalidRequest, "a message's tool calls are not a JSON array").With("field", "messages.tool_calls")
		}
		d.Set("tool_calls", calls)
	}
	return v, nil
}

func valueOf(text string) (jinja.Value, error) {
	var v any
	err := json.Unmarshal([]byte(text), &v)
	return jinja.FromGoValue(v), err
}
