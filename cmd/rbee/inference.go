package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/ui"
)

// inference is one run of `rbee infer`: read and check, reach a queen, ask it, stop what was started, report.
type inference struct {
	flags   inferFlags
	parts   parts
	env     config.Env
	term    *terminal
	say     *ui.Narrator
	out     ui.Answer
	stdout  *tap
	signals *interrupts
	begun   time.Time

	request api.GenerateRequest // set by begin
	trace   *recording          // set by begin; nil if it came to nothing

	work func(queen) outcome // instead of asking for an answer; nil = ask

	answering atomic.Bool // the queen has begun to answer
}

func newInference(t *terminal, p parts, env config.Env, f inferFlags) *inference {
	i := &inference{flags: f, parts: p, env: env, term: t, begun: time.Now(), stdout: &tap{out: t.stdout}}
	onScreen := ui.IsTerminal(t.stdout)
	if f.json {
		i.out = &ui.JSONLines{Out: i.stdout}
	} else {
		i.out = &ui.Plain{Out: i.stdout, Terminal: onScreen}
	}
	i.say = t.narrator(f.quiet)
	if onScreen && i.say.Terminal {
		i.say.BreakLine = i.out.BreakLine
	}
	return i
}

// outcome is how the answer ended: done or failed, and whether stdout took it.
type outcome struct {
	done   *api.Done
	failed *api.Failure
	text   string // in JSON mode, all of it
	usage  bool   // failed by a mistake on the command line
	local  bool   // failed before the request was sent, so on this machine
	stdout error  // the first write that failed
}

// run does it all. Whatever happens, what was started is stopped and the receipt is written last.
func (i *inference) run(from promptSource, request func(prompt string) (api.GenerateRequest, error)) (o outcome, r api.Receipt) {
	i.signals = watchSignals()
	defer i.signals.close()

	r = api.NothingStarted()
	q, err := i.begin(from, request)
	if err == nil && i.work != nil {
		o = i.work(q)
	} else if err == nil {
		o = i.ask(q)
	} else {
		var u usageError
		o = i.settle(outcome{failed: &api.Failure{Error: fault.From(err)}, usage: errors.As(err, &u), local: true})
	}
	if errors.Is(o.stdout, syscall.EPIPE) {
		i.say.Mute() // the reader has seen enough; so has the person
	}
	if q != nil {
		r = i.stop(q, o)
	}
	i.trace.count(r)
	i.say.Receipt(r)
	i.trace.finish(i.say, o)
	if err := i.out.Stopped(r); o.stdout == nil {
		o.stdout = err
	}
	return o, r
}

// begin reads and checks everything before anything is started, then reaches a queen.
func (i *inference) begin(from promptSource, request func(string) (api.GenerateRequest, error)) (queen, error) {
	ctx, stop := i.untilInterrupted()
	defer stop()
	prompt, err := i.readPrompt(ctx, from)
	if err != nil {
		return nil, err
	}
	if i.request, err = request(prompt); err != nil {
		return nil, err
	}
	if i.trace, err = i.record(); err != nil {
		return nil, err
	}
	return i.reach(ctx)
}

// untilInterrupted returns a context that ends with the first signal and at the deadline.
func (i *inference) untilInterrupted() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	if i.flags.deadline > 0 {
		ctx, stop = context.WithDeadline(ctx, i.begun.Add(i.flags.deadline))
	}
	go func() {
		select {
		case <-i.signals.first:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// readPrompt reads the prompt unless a signal comes first; the read itself cannot be ended, and dies with us.
func (i *inference) readPrompt(ctx context.Context, from promptSource) (string, error) {
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := from.read(i.term.stdin)
		read <- result{text, err}
	}()
	select {
	case r := <-read:
		return r.text, r.err
	case <-ctx.Done():
		return "", i.gaveUp("reading the prompt")
	}
}

// tap is stdout until it is closed: a write that hangs must not keep the rest from ending.
type tap struct {
	out    io.Writer
	closed atomic.Bool
}

func (t *tap) Write(b []byte) (int, error) {
	if t.closed.Load() {
		return len(b), nil
	}
	return t.out.Write(b)
}
