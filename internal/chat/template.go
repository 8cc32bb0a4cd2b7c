package chat

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardanlabs/jinja"

	"rbee/internal/fault"
)

// Template is a compiled chat template; it may be rendered by many goroutines at once.
type Template struct {
	program  *jinja.Template
	bos, eos string
	format   ToolFormat
	features features
}

// Parse compiles a model's chat template. bos and eos are the texts of the model's begin and end tokens. A template
// that cannot be used is a MODEL_CORRUPT fault.
func Parse(source, bos, eos string) (t *Template, err error) {
	defer func() { // the library panics over some mistakes
		if r := recover(); r != nil {
			t, err = nil, corrupt(fmt.Errorf("%v", r))
		}
	}()
	text, err := guarded(source)
	if err != nil {
		return nil, corrupt(err)
	}
	program, err := jinja.Compile(text)
	if err != nil {
		return nil, corrupt(err)
	}
	t = &Template{program: program, bos: bos, eos: eos, format: FormatOf(source)}
	if t.probe(); !t.features.tools {
		t.format = FormatGeneric // it will be told by us
	}
	return t, nil
}

func corrupt(err error) error {
	return fault.Wrap(fault.ModelCorrupt, err, "the model's chat template cannot be used: %v", err).
		WithHint("send the prompt as it is, with the model's own markers in it")
}

// ToolFormat says how the model writes tool calls.
func (t *Template) ToolFormat() ToolFormat { return t.format }

// Render writes the conversation as the model reads it. What the template itself refuses (raise_exception: roles must
// alternate, say) and what it cannot be given are INVALID_REQUEST faults; a template that fails, or does more than a
// template may, is MODEL_CORRUPT. What it has no place for (a system message, tools, calls, their results) is put into
// messages that it has a place for.
func (t *Template) Render(messages []Message, o Options) (string, error) {
	if o.ToolsJSON != "" {
		tools, err := toolsOf(o.ToolsJSON)
		if err != nil {
			return "", err
		}
		if len(tools) == 0 {
			o.ToolsJSON = ""
		}
	}
	messages, o = t.adapt(messages, o)
	return t.render(messages, o)
}

func (t *Template) render(messages []Message, o Options) (string, error) {
	vars, given, err := t.variables(messages, o)
	if err != nil {
		return "", err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	b := newBudget(given)
	b.functions(vars, now)
	b.guards(vars)
	text, err := t.run(vars)
	var r refusal
	switch {
	case errors.As(err, &r):
		return "", fault.New(fault.InvalidRequest, "the model's chat template refuses this conversation: %.500s", r.message).With("field", "messages")
	case err != nil:
		return "", fault.Wrap(fault.ModelCorrupt, err, "the model's chat template failed: %.500s", err.Error())
	}
	return text, nil
}

func (t *Template) run(vars map[string]jinja.Value) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return t.program.RenderValues(vars)
}
