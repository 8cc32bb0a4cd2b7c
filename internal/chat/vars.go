package chat

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/ardanlabs/jinja"

	"rbee/internal/fault"
)

// variables are what the template sees, and how many bytes of text are in them.
func (t *Template) variables(messages []Message, o Options) (map[string]jinja.Value, int, error) {
	vars := map[string]jinja.Value{}
	given := len(o.ToolsJSON) + len(o.TemplateArgsJSON)
	if o.TemplateArgsJSON != "" {
		args, err := valueOf(o.TemplateArgsJSON)
		if err != nil || !args.IsDict() {
			return nil, 0, fault.New(fault.InvalidRequest, "the template's arguments are not a JSON object").With("field", "chat_template_kwargs")
		}
		for _, k := range args.AsDict().Keys {
			vars[k], _ = args.AsDict().Get(k)
		}
	}
	list := make([]jinja.Value, len(messages))
	for i, m := range messages {
		v, err := t.messageValue(m)
		if err != nil {
			return nil, 0, err
		}
		list[i] = v
		given += len(m.Content) + len(m.ToolCallsJSON) + 64
	}
	vars["messages"] = jinja.NewList(list)
	vars["bos_token"] = jinja.NewString(t.bos)
	vars["eos_token"] = jinja.NewString(t.eos)
	vars["add_generation_prompt"] = jinja.NewBool(o.AddGenerationPrompt)
	delete(vars, "tools")
	if o.ToolsJSON != "" {
		tools, err := valueOf(o.ToolsJSON)
		if err != nil || !tools.IsList() {
			return nil, 0, fault.New(fault.InvalidRequest, "the tools are not a JSON array").With("field", "tools")
		}
		if len(tools.AsList().Items) > 0 {
			vars["tools"] = tools
		}
	}
	return vars, given, nil
}

func (t *Template) messageValue(m Message) (jinja.Value, error) {
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
	if m.ToolCallsJSON == "" {
		return v, nil
	}
	calls, err := valueOf(m.ToolCallsJSON)
	if err != nil || !calls.IsList() {
		return v, fault.New(fault.InvalidRequest, "a message's tool calls are not a JSON array").With("field", "messages.tool_calls")
	}
	for _, c := range calls.AsList().Items {
		if c.IsDict() {
			t.arguments(c.AsDict())
		}
	}
	d.Set("tool_calls", calls)
	return v, nil
}

// arguments gives a call's arguments the form that the template expects: OpenAI has them as a text, most templates
// write them with tojson and want the object that is in the text.
func (t *Template) arguments(call *jinja.Dict) {
	f, ok := call.Get("function")
	if !ok || !f.IsDict() {
		return
	}
	args, ok := f.AsDict().Get("arguments")
	switch {
	case !ok:
	case args.IsString() && !t.features.textArguments:
		if v, err := valueOf(args.AsString()); err == nil && v.IsDict() {
			f.AsDict().Set("arguments", v)
		}
	case args.IsDict() && t.features.textArguments:
		w := jsonStyleOf(nil, nil)
		w.write(args, 0)
		f.AsDict().Set("arguments", jinja.NewString(w.out.String()))
	}
}

// valueOf reads JSON; objects keep the order of their keys.
func valueOf(text string) (jinja.Value, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return v, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("something follows the JSON")
	}
	return v, nil
}

func readValue(d *json.Decoder, level int) (jinja.Value, error) {
	t, err := d.Token()
	if err != nil {
		return jinja.None(), err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return jinja.FromGoValue(t), nil
	}
	if level++; level > maxLevels-10 {
		return jinja.None(), errors.New("it is nested too deep")
	}
	if delim == '[' {
		var items []jinja.Value
		for d.More() {
			v, err := readValue(d, level)
			if err != nil {
				return v, err
			}
			items = append(items, v)
		}
		_, err := d.Token()
		return jinja.NewList(items), err
	}
	out := jinja.NewDict()
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return out, err
		}
		v, err := readValue(d, level)
		if err != nil {
			return out, err
		}
		out.AsDict().Set(k.(string), v)
	}
	_, err = d.Token()
	return out, err
}
