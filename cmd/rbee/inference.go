package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
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
	stdout error  // the first write that failed
}

// run does it all. Whatever happens, what was started is stopped and the receipt is written last.
func (i *inference) run(from promptSource, request func(prompt string) (api.GenerateRequest, error)) (o outcome, r api.Receipt) {
	i.signals = watchSignals()
	defer i.signals.close()

	r = api.NothingStarted()
	q, err := i.begin(from, request)
	if err == nil {
		o = i.ask(q)
	} else {
		var u usageError
		o = i.settle(outcome{failed: &api.Failure{Error: fault.From(err)}, usage: errors.As(err, &u)})
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

// reach finds the daemon, or starts an ephemeral queen.
func (i *inference) reach(ctx context.Context) (queen, error) {
	name := i.flags.queen
	if name == "" {
		name = i.term.getenv("RBEE_QUEEN")
	}
	var d *daemon
	var err error
	_, span := i.trace.step(ctx, telemetry.SpanConnect)
	if name != "" {
		d, err = namedDaemon(ctx, name)
	} else {
		var socket config.Socket
		socket, err = i.env.Socket(i.flags.socket)
		switch {
		case err == nil:
			d, err = findDaemon(ctx, socket)
		case socket.Named:
			err = usageError{fault.From(err)}
		}
	}
	span.End()
	switch {
	case ctx.Err() != nil:
		return nil, i.gaveUp("looking for a queen")
	case err != nil:
		return nil, err
	case d != nil:
		i.request.WantSpans = i.trace.wanted() // there is no link for them to come up
		i.say.Keeper("start", "using the running queen-rbee, pid %d", d.version.PID)
		return d, nil
	}
	return i.start(ctx)
}

// start starts an ephemeral queen, which is ours to stop.
func (i *inference) start(ctx context.Context) (queen, error) {
	run := ulid.Make().String()
	logs, err := i.env.LogDir(run)
	if err != nil {
		return nil, err
	}
	i.say.Keeper("start", "starting queen-rbee (ephemeral)")
	r := &i.request
	o := queenOptions{
		RunID: run, LogDir: logs,
		Node: r.Node, Model: r.Model, Cwd: r.Cwd, ModelsDir: r.ModelsDir,
		Grace: i.flags.grace, Quiet: i.flags.quiet, Narrate: i.say.Say,
	}
	if r.Context != nil {
		o.Context = *r.Context
	}
	if r.Threads != nil {
		o.Threads = *r.Threads
	}
	if i.trace.wanted() {
		o.Spans = i.trace.take
	}
	q, err := i.parts.startQueen(trace.ContextWithSpan(ctx, i.trace.span), o)
	if err != nil && ctx.Err() != nil {
		err = i.gaveUp("starting the queen")
	}
	return q, err
}

// gaveUp is the error for a signal, or the deadline, before the request was sent.
func (i *inference) gaveUp(while string) error {
	if c := i.signals.cause(); c != "" {
		return fault.New(fault.Cancelled, "cancelled (%s) while %s", c, while)
	}
	return fault.New(fault.DeadlineExceeded, "no answer within %v: the time was over while %s", i.flags.deadline, while).
		WithHint("give it more time with --deadline")
}

// settle writes the end of the answer.
func (i *inference) settle(o outcome) outcome {
	var werr error
	switch {
	case o.done != nil:
		werr = i.out.Done(o.text, o.done)
		i.say.Summary(o.done)
	case i.signals.cause() != "" && o.failed.Error.Code == fault.Cancelled:
		werr = i.out.Failed(o.text, o.failed)
		i.say.Keeper("warn", "%s", o.failed.Error.Message)
	default:
		werr = i.out.Failed(o.text, o.failed)
		node := i.request.Node
		if o.usage || o.stdout != nil {
			node = "" // no node has a part in it
		}
		if !errors.Is(o.stdout, syscall.EPIPE) {
			i.say.Fail(o.failed.Error, node)
		}
	}
	if o.stdout == nil {
		o.stdout = werr
	}
	return o
}

// stopAllowance is what the levels between us and a worker need on top of the worker's grace, killing and
// reporting included. Past it the queen's stop is broken, and everything below is killed.
const stopAllowance = 10 * time.Second

// stop stops the queen; a second signal, or a stop that hangs, kills it.
func (i *inference) stop(q queen, o outcome) api.Receipt {
	cause := "answered"
	switch {
	case i.signals.cause() != "":
		cause = i.signals.cause()
	case o.stdout != nil:
		cause = "stdout closed"
	case o.failed != nil:
		cause = "failed"
	}
	ctx, cancel := context.WithTimeout(i.trace.ctx, i.flags.grace+stopAllowance)
	defer cancel()
	stopped := make(chan api.Receipt, 1)
	go func() { stopped <- q.Stop(ctx, i.flags.grace, cause) }()
	select {
	case r := <-stopped:
		return r
	case <-i.signals.again:
	case <-ctx.Done():
	}
	return q.Kill()
}

// exit turns the outcome into the command's error, everything having been reported.
func (i *inference) exit(o outcome, r api.Receipt) error {
	switch {
	case errors.Is(o.stdout, syscall.EPIPE):
		return exitError{141}
	case i.signals.exitCode() != 0:
		return exitError{i.signals.exitCode()}
	case o.usage:
		return exitError{2}
	case o.failed != nil:
		return exitError{1}
	case o.stdout != nil:
		i.say.Fail(stdoutFault(o.stdout), "") // at the very end: the rest was written
		return exitError{1}
	case !r.Clean:
		return exitError{3}
	}
	return nil
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
