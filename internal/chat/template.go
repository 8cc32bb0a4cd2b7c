package chat

import (
	"time"

	"github.com/ardanlabs/jinja"

	"rbee/internal/fault"
)

// Template is a compiled chat template; it may be rendered by many goroutines at once.
type Template struct {
	program  *jinja.Template
	bos, eos string
	format   ToolFormat
	tools    bool // it shows the tools it is given
}

// Parse compiles a model's chat template. bos and eos are the texts of the model's begin and end tokens. A template
// that cannot be used is a MODEL_CORRUPT fault.
func Parse(source, bos, eos string) (*Template, error) {
	program, err := jinja.Compile(source)
	if err != nil {
		return nil, fault.New(fault.ModelCorrupt, "the model's chat template cannot be read: %v", err)
	}
	return &Template{program: program, bos: bos, eos: eos, format: FormatOf(source), tools: showsTools(source)}, nil
}

// ToolFormat says how the model writes tool calls.
func (t *Template) ToolFormat() ToolFormat { return t.format }

// Render writes the conversation as the model reads it. What the template itself refuses (raise_exception: roles must
// alternate, say) and what it cannot be given are INVALID_REQUEST faults.
func (t *Template) Render(messages []Message, o Options) (string, error) {
	vars, err := t.variables(messages, o)
	if err != nil {
		return "", err
	}
	text, err := t.program.RenderValues(vars)
	if err != nil {
		return "", fault.New(fault.InvalidRequest, "the model's chat template refuses this conversation: %v", err)
	}
	return text, nil
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}
