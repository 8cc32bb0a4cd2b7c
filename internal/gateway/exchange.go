package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rbee/internal/chat"
	"rbee/internal/fault"
	"rbee/internal/openai"
	"rbee/messages"
)

// exchange is one request of OpenAI's interface under way: one stream for each answer it asked for, and what writes
// them down, either as they come or when they are whole.
type exchange struct {
	g        *gateway
	out      *writer
	began    time.Time
	streams  []Stream
	choices  []choice
	to       recorder
	streamed bool
	usage    messages.Usage
	perInput int // answers to each prompt: its tokens count once
	failed   *fault.Error
	said     string // what is being done before the answer, for the comments of a silent stream
	asks     string // the field that holds what is asked
}

// choice is what is known of one answer.
type choice struct {
	parser *chat.ToolParser // nil: all of it is text
	worker string           // the address of the one that has it
	unsaid int              // pieces in the buffer that credit has not been given for
	over   bool
}

// recorder writes answers down. Each method appends to b what can be sent at once, which may be nothing.
type recorder interface {
	// tools returns what finds the calls in answer i of a model that writes them like that; nil if there can be none.
	tools(i int, format string) *chat.ToolParser
	text(b []byte, i int, text string, logprobs []*messages.TokenLogprob) []byte
	call(b []byte, i int, c openai.Call) []byte
	end(b []byte, i int, reason string, m openai.Moved) []byte
	// settle ends the response, after the last answer.
	settle(b []byte, u *messages.Usage) []byte
}

// exchange submits all messages of one request and writes the answers to it. Of x it is given who writes them, and how.
func (g *gateway) exchange(w http.ResponseWriter, r *http.Request, all []*messages.Generate, x *exchange) {
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	x.g, x.out, x.choices = g, newWriter(w, g.options.WriteStall), make([]choice, len(all))
	defer x.out.disarm()
	for _, m := range all {
		s, err := g.submit(ctx, r, m)
		if err != nil {
			x.cancel("another answer to the same request failed")
			x.refuse(fault.From(err))
			return
		}
		x.streams = append(x.streams, s)
	}
	if cause := x.serve(ctx, stop); cause != "" {
		x.cancel(cause)
	}
}

func (g *gateway) submit(ctx context.Context, r *http.Request, m *messages.Generate) (Stream, error) {
	if c := CallerOf(ctx); c.Tenant != "" {
		m.Tenant, m.Weight = c.Tenant, c.Weight
	}
	m.Traceparent = traceparentOf(r)
	return g.backend.Submit(ctx, m)
}

// cancel ends what is not over yet.
func (x *exchange) cancel(cause string) {
	for i, s := range x.streams {
		if !x.choices[i].over {
			s.Cancel(cause)
		}
	}
}

// serve writes the answers. A cause other than "" means that some are not over, and why.
func (x *exchange) serve(ctx context.Context, stop func()) (cause string) {
	if !x.streamed && len(x.streams) == 1 {
		return x.gatherOne(ctx)
	}
	in := read(ctx, x.streams...)
	defer in.wait()
	defer stop() // runs before the wait: the readers end with ctx
	if x.streamed {
		return x.stream(ctx, in)
	}
	for left := len(x.streams); left > 0; {
		select {
		case <-ctx.Done():
			return "client is gone"
		case i := <-in.events:
			x.put(i)
			x.grant()
		}
		if x.failed != nil {
			x.refuse(x.failed)
			return "another answer to the same request failed"
		}
		left = x.left()
	}
	x.finish()
	return ""
}

// gatherOne is the plain case: one answer that is sent when it is whole. It needs no reader beside it.
func (x *exchange) gatherOne(ctx context.Context) (cause string) {
	for x.left() > 0 {
		e, err := x.streams[0].Next(ctx)
		if ctx.Err() != nil {
			return "client is gone"
		}
		x.put(item{e, err, 0})
		if x.failed != nil {
			x.refuse(x.failed)
			return ""
		}
		x.grant()
	}
	x.finish()
	return ""
}

// stream sends what there is as it comes; what has arrived together leaves together.
func (x *exchange) stream(ctx context.Context, in *incoming) (cause string) {
	silence := time.NewTicker(x.g.options.Keepalive)
	defer silence.Stop()
	for x.left() > 0 {
		select {
		case <-ctx.Done():
			return "client is gone"
		case <-silence.C:
			x.comment()
		case i := <-in.events:
			x.put(i)
			for more := true; more && x.failed == nil && x.left() > 0 && len(x.out.buf) < maxBatch; {
				select {
				case i := <-in.events:
					x.put(i)
				default:
					more = false
				}
			}
			if ctx.Err() != nil { // then an error that was put is only the echo of this
				return "client is gone"
			}
		}
		if x.failed != nil {
			x.refuse(x.failed)
			return "another answer to the same request failed"
		}
		if x.left() == 0 {
			x.out.buf = x.to.settle(x.out.buf, &x.usage)
		}
		if err := x.flush(); err != nil {
			return "client is gone: " + err.Error()
		}
		x.grant()
	}
	return ""
}

func (x *exchange) left() (n int) {
	for i := range x.choices {
		if !x.choices[i].over {
			n++
		}
	}
	return n
}

// grant tells the streams what has left for the client.
func (x *exchange) grant() {
	for i := range x.choices {
		if c := &x.choices[i]; c.unsaid > 0 {
			x.streams[i].Flushed(c.unsaid)
			c.unsaid = 0
		}
	}
}

// put takes one event of one answer.
func (x *exchange) put(i item) {
	c, e := &x.choices[i.from], i.event
	switch {
	case i.err != nil:
		c.over, x.failed = true, lost(i.err)
	case e.Failed != nil:
		c.over, x.failed = true, e.Failed
	case e.Tokens != nil:
		x.tokens(c, i.from, e.Tokens)
	case e.Narration != nil:
		x.told(c, e.Narration)
	case e.Queued != nil:
		x.queued(e.Queued)
	case e.Accepted != nil:
		x.said, c.worker = "", e.Accepted.GetWorker()
		if c.parser == nil { // an answer that goes on may be in the middle of a call
			c.parser = x.to.tools(i.from, e.Accepted.GetToolFormat())
		}
	case e.Done != nil:
		x.done(c, i.from, e.Done)
	}
}

func (x *exchange) tokens(c *choice, i int, t *messages.Tokens) {
	c.unsaid += len(t.GetPieces())
	logprobs := t.GetLogprobs()
	if len(logprobs) != len(t.GetPieces()) { // text that was held back at the end has no token of its own
		logprobs = padded(logprobs, len(t.GetPieces()))
	}
	for j, piece := range t.GetPieces() {
		var l []*messages.TokenLogprob
		if logprobs != nil && len(logprobs[j].GetBytes()) > 0 {
			l = logprobs[j : j+1]
		}
		switch {
		case c.parser != nil:
			x.parsed(i, c.parser.Push(piece), l)
		case piece != "" || l != nil: // a token that ended in the middle of a character says nothing yet
			x.out.buf = x.to.text(x.out.buf, i, piece, l)
		}
	}
}

func padded(l []*messages.TokenLogprob, n int) []*messages.TokenLogprob {
	if len(l) == 0 || len(l) > n {
		return nil
	}
	return append(l[:len(l):len(l)], make([]*messages.TokenLogprob, n-len(l))...)
}

// parsed writes what a parser made of a piece; the log probabilities go with the text.
func (x *exchange) parsed(i int, ds []chat.Delta, l []*messages.TokenLogprob) {
	for _, d := range ds {
		if d.Call != nil {
			x.out.buf = x.to.call(x.out.buf, i, openai.Call(*d.Call))
			continue
		}
		x.out.buf = x.to.text(x.out.buf, i, d.Content, l)
		l = nil
	}
}

func (x *exchange) done(c *choice, i int, d *messages.Done) {
	c.over = true
	reason := d.GetFinishReason()
	if c.parser != nil {
		x.parsed(i, c.parser.Close(), nil)
		if c.parser.Calls() > 0 && reason == "stop" {
			reason = "tool_calls"
		}
	}
	u := d.GetUsage()
	x.usage.CompletionTokens += u.GetCompletionTokens()
	if i%x.perInput == 0 {
		x.usage.PromptTokens += u.GetPromptTokens()
		x.usage.CachedTokens += u.GetCachedTokens()
	}
	x.out.buf = x.to.end(x.out.buf, i, reason, x.moved(c, d))
}

// told takes a line of narration. What comes when a worker has the answer says that it lost it, and a stream says so at
// once; the rest is for its silence.
func (x *exchange) told(c *choice, n *messages.Narration) {
	x.said = " " + strings.Map(printable, n.GetText())
	if c.worker != "" && x.streamed {
		x.comment()
	}
	c.worker = ""
}

// comment tells a stream's reader, if it is a person, what is being done.
func (x *exchange) comment() { x.out.buf = append(append(append(x.out.buf, ':'), x.said...), '\n') }

// moved is what is said of an answer that another worker went on with.
func (x *exchange) moved(c *choice, d *messages.Done) (m openai.Moved) {
	if d.GetContinued() == 0 {
		return m
	}
	m = openai.Moved{Continued: d.GetContinued(), Worker: c.worker}
	for _, w := range x.g.backend.Workers() {
		if w.GetAddress() == c.worker {
			m.Node = w.GetNode()
		}
	}
	return m
}

// printable keeps a text on one line.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// queued tells a client that it waits: in the headers as long as they are not sent, then in comments.
func (x *exchange) queued(q *messages.Queued) {
	if !x.out.begun {
		h := x.out.w.Header()
		h.Set("X-Rbee-Queue-Position", strconv.FormatInt(q.GetPosition(), 10))
		if q.GetEtaMs() >= 0 {
			h.Set("X-Rbee-Queue-Eta", strconv.FormatInt((q.GetEtaMs()+999)/1000, 10)) // seconds
		}
	}
	if x.streamed {
		x.out.buf = fmt.Appendf(x.out.buf, ": queued %d of %d", q.GetPosition(), q.GetWaiting())
		if q.GetEtaMs() >= 0 {
			x.out.buf = fmt.Appendf(x.out.buf, ", about %d s", (q.GetEtaMs()+999)/1000)
		}
		x.out.buf = append(x.out.buf, '\n')
	}
}

// refuse ends the response with an error: with its status if nothing was sent yet, else as an event.
func (x *exchange) refuse(f *fault.Error) {
	if _, said := f.Details["field"]; !said && f.Code == fault.ContextOverflow {
		f = f.With("field", x.asks)
	}
	if !x.out.begun {
		x.processed()
		openai.WriteErrorStatus(x.out.w, statusOf(f), f)
		return
	}
	x.out.buf = openai.AppendError(x.out.buf, f)
	_ = x.out.flush() // the failure is what ends it, whether the client hears of it or not
}

func (x *exchange) flush() error {
	if !x.out.begun && len(x.out.buf) > 0 {
		x.processed()
	}
	return x.out.flush()
}

func (x *exchange) processed() {
	x.out.w.Header().Set("Openai-Processing-Ms", strconv.FormatInt(time.Since(x.began).Milliseconds(), 10))
}

// finish sends a response that was gathered.
func (x *exchange) finish() {
	x.processed()
	writeBody(x.out.w, x.to.settle(nil, &x.usage))
}

func writeBody(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may be gone; there is nobody else to tell
}
