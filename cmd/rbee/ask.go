package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
)

const (
	// cancelWait is what a cancelled request has to end by itself.
	cancelWait = 5 * time.Second
	// lastWords is what the stream of a dead queen gets to say what had already arrived.
	lastWords = 200 * time.Millisecond
	// deathNews is what the news of the queen's death may come after the end of its stream: the kernel reports
	// both, in any order.
	deathNews = 500 * time.Millisecond
	// deadlineSlack: the tree gives up by itself at the deadline and says where the time went; only if it does not
	// do we.
	deadlineSlack = 2 * time.Second
)

// ask posts the request and shows the answer until it has ended, one way or another.
func (i *inference) ask(q queen) outcome {
	ctx, abandon := context.WithCancel(i.trace.ctx)
	defer abandon()
	ctx, span := i.trace.step(ctx, telemetry.SpanHTTP, telemetry.AttrRequestID.String(i.request.ID), telemetry.AttrModelRef.String(i.request.Model))
	defer span.End()
	i.request.Traceparent = telemetry.Inject(ctx)
	client := api.NewClient(q.Client())
	var late <-chan time.Time
	if i.flags.deadline > 0 {
		left := max(time.Until(i.begun.Add(i.flags.deadline)), time.Millisecond)
		ms := max(left.Milliseconds(), 1)
		i.request.DeadlineMS = &ms
		late = time.After(left + deadlineSlack)
	}
	shown := make(chan outcome, 1)
	go func() { shown <- i.show(ctx, client, q) }()

	first, gone := i.signals.first, q.Gone()
	var limit <-chan time.Time
	for {
		select {
		case o := <-shown:
			return o
		case <-first:
			first = nil
			limit = time.After(cancelWait)
			i.say.Keeper("stop", "%s: cancelling the request", i.signals.cause())
			go i.cancel(ctx, client, abandon)
		case <-gone:
			gone = nil
			limit = time.After(lastWords)
		case <-late:
			limit = time.After(0)
		case <-i.signals.again:
			return i.leave(abandon, shown)
		case <-limit:
			return i.leave(abandon, shown)
		}
	}
}

// cancel asks the queen to end the request. If it has not begun to answer, or does not know the request, giving the
// connection up does the same.
func (i *inference) cancel(ctx context.Context, c *api.Client, abandon func()) {
	if !i.answering.Load() {
		abandon()
		return
	}
	if found, err := c.Cancel(ctx, i.request.ID); err != nil || !found {
		abandon()
	}
}

// leave gives the connection up and returns what was shown, also if stdout is blocked for ever.
func (i *inference) leave(abandon func(), shown <-chan outcome) outcome {
	abandon()
	select {
	case o := <-shown:
		return o
	case <-time.After(deathNews + lastWords):
		i.stdout.closed.Store(true)
		f := fault.New(fault.Cancelled, "gave up: nobody reads stdout, and the answer does not fit into its pipe")
		if i.signals.cause() == "" {
			i.say.Fail(f, "")
		}
		return outcome{failed: &api.Failure{Error: f}}
	}
}

// show writes the answer as it comes.
func (i *inference) show(ctx context.Context, c *api.Client, q queen) outcome {
	var o outcome
	var text strings.Builder
	made := int64(0)
	fail := func(err error) outcome {
		o.failed = &api.Failure{Error: i.explain(err, q, made), Usage: api.Usage{CompletionTokens: made}}
		o.text = text.String()
		return i.settle(o)
	}

	generate := c.Generate
	if i.flags.plan {
		generate = c.Plan
	}
	stream, err := generate(ctx, &i.request)
	if err != nil {
		return fail(err)
	}
	defer stream.Close()
	i.answering.Store(true)
	var batch []string
	for {
		e, err := stream.Next()
		if e.Kind == api.KindToken {
			batch = append(batch, e.Text)
			made++
			if i.flags.json || i.flags.chat {
				text.WriteString(e.Text)
			}
			if stream.Waiting() {
				continue // what arrived together is written together
			}
		}
		if len(batch) > 0 {
			if o.stdout = i.out.Tokens(batch); o.stdout != nil {
				return fail(stdoutFault(o.stdout))
			}
			batch = batch[:0]
		}
		switch {
		case err != nil:
			return fail(err)
		case e.Narration != nil:
			i.say.Say(*e.Narration)
		case e.Done != nil:
			o.done, o.text = e.Done, text.String()
			o = i.settle(o)
			i.spans(stream)
			return o
		case e.Error != nil:
			o.failed, o.text = e.Error, text.String()
			o = i.settle(o)
			i.spans(stream)
			return o
		}
	}
}

// spans reads what follows the terminal event.
func (i *inference) spans(s *api.Stream) {
	for i.request.WantSpans {
		e, err := s.Next()
		if err != nil {
			return // its end, or a daemon that died after the answer: the trace lacks a part
		}
		i.trace.take(e.Spans)
	}
}

// stdoutFault says why the answer could not be written; nobody sees it if its reader just left.
func stdoutFault(err error) *fault.Error {
	code, hint := fault.Internal, "send the answer somewhere else"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code, hint = fault.DiskFull, "make room there, or send the answer somewhere else"
	}
	return fault.Wrap(code, err, "cannot write to stdout: %v", root(err)).WithHint("%s", hint)
}

// explain says what an error of the stream means. The queen's own words are kept.
func (i *inference) explain(err error, q queen, made int64) *fault.Error {
	var f *fault.Error
	sofar := ""
	if made > 0 {
		sofar = fmt.Sprintf(" after %d tokens", made)
	}
	switch {
	case errors.As(err, &f):
		return f
	case i.signals.cause() != "":
		return fault.New(fault.Cancelled, "cancelled (%s)%s", i.signals.cause(), sofar)
	case errors.Is(err, context.Canceled) && i.flags.deadline > 0:
		return fault.New(fault.DeadlineExceeded, "no answer within %v%s, and the queen did not say why", i.flags.deadline, sofar).
			WithHint("give it more time with --deadline")
	}
	wait := deathNews
	if q.Gone() == nil {
		wait = 0 // a daemon: no news will come
	}
	select {
	case <-q.Gone():
		if cause := q.Err(); errors.As(cause, &f) {
			return f
		} else if cause != nil {
			err = cause
		}
	case <-time.After(wait):
	}
	return fault.Wrap(fault.QueenLost, err, "the queen was lost%s: %v", sofar, root(err)).
		WithHint("its log, under the state folder's logs, says more; run the command again")
}
