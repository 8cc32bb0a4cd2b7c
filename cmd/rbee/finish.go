package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// settle writes the end of the answer.
func (i *inference) settle(o outcome) outcome {
	var werr error
	switch {
	case o.done != nil:
		werr = i.out.Done(o.text, o.done)
		if o.done.Plan == nil {
			i.say.Summary(o.done)
		}
	case i.signals.cause() != "" && o.failed.Error.Code == fault.Cancelled:
		werr = i.out.Failed(o.text, o.failed)
		i.say.Keeper("warn", "%s", o.failed.Error.Message)
	default:
		werr = i.out.Failed(o.text, o.failed)
		node := i.request.Node
		switch c := o.failed.Error.Code; {
		case o.usage || o.stdout != nil:
			node = "" // no node has a part in it
		case o.local || c == fault.QueenLost || c == fault.QueenStartFailed:
			node = api.DefaultNode
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
