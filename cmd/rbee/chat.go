package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/oklog/ulid/v2"
	"github.com/peterh/liner"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// chat is one session of rbee run: a queen for all of it, and an inference for each answer.
type chat struct {
	*inference
	lines   *lines
	verbose bool
	quiet   bool // as the user wants it

	system  string
	said    []api.Message // all turns so far
	request api.GenerateRequest
}

func newChat(t *terminal, p parts, cfg *settings, f inferFlags, verbose bool) *chat {
	return &chat{inference: newInference(t, p, cfg.env, f), verbose: verbose, quiet: f.quiet, system: f.system}
}

// run is the whole session. What was started is stopped at its end, however it comes.
func (c *chat) run(request func(prompt string) (api.GenerateRequest, error)) error {
	var q queen
	c.signals = watchSignals()
	defer func() { c.signals.close() }()
	r := api.NothingStarted()
	var err error
	// Something must be asked for the flags to be checked, and before the first line is typed.
	q, err = c.begin(promptSource{text: "hello", given: true}, request)
	o := outcome{}
	if err == nil {
		c.request = c.inference.request
		o, err = c.talk(q)
	}
	if err != nil {
		var u usageError
		o = c.settle(outcome{failed: &api.Failure{Error: fault.From(err)}, usage: errors.As(err, &u), local: true})
	}
	c.say.Quiet = c.quiet
	if q != nil {
		r = c.stop(q, o)
	}
	c.trace.count(r)
	c.say.Receipt(r)
	c.trace.finish(c.say, o)
	return c.exit(o, r)
}

// talk reads lines and answers them, until the user has enough. The outcome is that of the last answer, if the chat
// ended with it.
func (c *chat) talk(q queen) (outcome, error) {
	c.lines = openLines(c.env)
	for {
		text, err := c.lines.read(c.signals.first, c.interrupted)
		switch {
		case errors.Is(err, liner.ErrPromptAborted): // Ctrl-C: the line, not the chat
			fmt.Fprintln(c.term.stdout, "use Ctrl-D or /bye to end")
			continue
		case errors.Is(err, io.EOF), errors.Is(err, errSignal):
			return outcome{}, nil
		case err != nil:
			return outcome{}, err
		}
		command, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		switch {
		case command == "":
			continue
		case command == "/bye" || command == "/exit":
			return outcome{}, nil
		case command == "/clear":
			c.said = nil
			fmt.Fprintln(c.term.stdout, "the model has forgotten what was said")
			continue
		case command == "/system":
			c.system = strings.TrimSpace(rest)
			fmt.Fprintln(c.term.stdout, "from now on that is said first")
			continue
		case command == "/help" || command == "/?":
			fmt.Fprint(c.term.stdout, chatHelp)
			continue
		case strings.HasPrefix(command, "/") && !strings.Contains(command[1:], "/"):
			fmt.Fprintf(c.term.stdout, "there is no command %s; /help lists them\n", command)
			continue
		}
		if o, over := c.answer(q, text); over {
			return o, nil
		}
	}
}

const chatHelp = `  /bye, Ctrl-D    end
  /clear          begin anew
  /system TEXT    what the model is told before all else; without TEXT nothing
  """             begin and end a text of several lines
  Ctrl-C          cancel the answer, or the line
`

// answer asks for one answer and shows it. The chat is over when a signal other than Ctrl-C came, when nobody reads
// the answer, or when the queen is lost.
func (c *chat) answer(q queen, text string) (outcome, bool) {
	r := c.request
	r.ID, r.Prompt, r.System = ulid.Make().String(), "", ""
	if c.system != "" {
		r.Messages = append(r.Messages, api.Message{Role: "system", Content: c.system})
	}
	r.Messages = append(append(r.Messages, c.said...), api.Message{Role: "user", Content: text})
	c.inference.request = r
	c.answering.Store(false)
	o := c.ask(q)
	c.say.Quiet = c.quiet || !c.verbose // what starts is shown the first time
	switch {
	case c.signals.exitCode() == 130:
		c.interrupted()
	case c.signals.exitCode() != 0 || o.stdout != nil:
		return o, true
	}
	select {
	case <-q.Gone():
		return o, true
	default:
	}
	// What an answer that failed or was cancelled had said was said, too.
	if o.done != nil || o.text != "" {
		c.said = append(c.said, api.Message{Role: "user", Content: text}, api.Message{Role: "assistant", Content: o.text})
	}
	return o, false
}

// interrupted begins to wait for the next signal, unless the last one was another than Ctrl-C: that is for an answer,
// also when it came too late for it.
func (c *chat) interrupted() (<-chan struct{}, bool) {
	if c.signals.exitCode() != 130 {
		return nil, true
	}
	c.signals.close()
	c.signals = watchSignals()
	return c.signals.first, false
}
