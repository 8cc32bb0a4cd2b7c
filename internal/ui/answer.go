package ui

import (
	"io"
	"sync/atomic"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// Answer is what goes to stdout. It is used from one goroutine; BreakLine may be called from any. Errors are those of
// the writer.
type Answer interface {
	// Tokens writes what has arrived together, at once.
	Tokens(texts []string) error
	// Done ends an answer; text is all of it.
	Done(text string, d *api.Done) error
	// Failed ends one that failed; text is what came before.
	Failed(text string, f *api.Failure) error
	// Stopped is always the last.
	Stopped(r api.Receipt) error
	// BreakLine reports whether the last byte written was no line end, and counts it as one from then on: the
	// caller writes it, to the same terminal.
	BreakLine() bool
}

// Plain writes the text and nothing else.
type Plain struct {
	Out      io.Writer
	Terminal bool // Out is one: escape sequences are shown, not obeyed

	open atomic.Bool // the last line has no end yet
	buf  []byte
}

func (p *Plain) Tokens(texts []string) error {
	p.buf = p.buf[:0]
	for _, t := range texts {
		if p.Terminal {
			t = Terminal(t)
		}
		p.buf = append(p.buf, t...)
	}
	return p.write()
}

func (p *Plain) write() error {
	if len(p.buf) == 0 {
		return nil
	}
	n, err := p.Out.Write(p.buf)
	if n > 0 {
		p.open.Store(p.buf[n-1] != '\n')
	}
	return err
}

func (p *Plain) Done(string, *api.Done) error      { return p.endLine() }
func (p *Plain) Failed(string, *api.Failure) error { return p.endLine() }
func (p *Plain) Stopped(api.Receipt) error         { return nil }
func (p *Plain) BreakLine() bool                   { return p.open.Swap(false) }

// endLine leaves the next prompt, or the next program, at the start of a line.
func (p *Plain) endLine() error {
	p.buf = p.buf[:0]
	if p.open.Load() {
		p.buf = append(p.buf, '\n')
	}
	return p.write()
}

// JSONLines writes one JSON object per line: token..., then done or error, then stopped.
type JSONLines struct {
	Out io.Writer
	buf []byte
}

func (j *JSONLines) Tokens(texts []string) error {
	j.buf = j.buf[:0]
	for _, t := range texts {
		j.buf = append(j.buf, `{"type":"token","text":`...)
		j.buf = append(api.AppendString(j.buf, t), "}\n"...)
	}
	_, err := j.Out.Write(j.buf)
	return err
}

func (j *JSONLines) Done(text string, d *api.Done) error {
	return j.line(struct {
		Type string `json:"type"`
		Text string `json:"text"`
		*api.Done
	}{"done", text, d})
}

func (j *JSONLines) Failed(text string, f *api.Failure) error {
	return j.line(struct {
		Type  string       `json:"type"`
		Error *fault.Error `json:"error"`
		Text  string       `json:"text"` // what came before the failure
		Usage api.Usage    `json:"usage"`
	}{"error", f.Error, text, f.Usage})
}

func (j *JSONLines) Stopped(r api.Receipt) error {
	if r.Processes == nil {
		r.Processes = []api.Process{} // [], not null
	}
	return j.line(struct {
		Type string `json:"type"`
		api.Receipt
	}{"stopped", r})
}

// BreakLine is false: every write ends its line.
func (j *JSONLines) BreakLine() bool { return false }

func (j *JSONLines) line(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = j.Out.Write(b)
	return err
}
