package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"
)

// controllingTerminal is where a person is asked for a passphrase, wherever stdin and stderr go.
const controllingTerminal = "/dev/tty"

// hasTerminal says whether there is one.
func hasTerminal() bool {
	tty, err := os.OpenFile(controllingTerminal, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// askSecret asks at the controlling terminal, until ctx or the command is interrupted.
func (i *inference) askSecret(ctx context.Context, text string) ([]byte, error) {
	interrupted, stop := i.untilInterrupted()
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(interrupted, cancel)
	return readSecret(ctx, text)
}

// readSecret reads a line from the controlling terminal, without echo. When ctx ends first the terminal is as it was
// before; the read itself cannot be ended, and dies with this process.
func readSecret(ctx context.Context, text string) ([]byte, error) {
	tty, err := os.OpenFile(controllingTerminal, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		tty.Close()
		return nil, err
	}
	type result struct {
		secret []byte
		err    error
	}
	read := make(chan result, 1)
	go func() {
		fmt.Fprint(tty, text)
		secret, err := term.ReadPassword(fd)
		fmt.Fprintln(tty)
		tty.Close()
		read <- result{secret, err}
	}()
	select {
	case r := <-read:
		return r.secret, r.err
	case <-ctx.Done():
	}
	_ = term.Restore(fd, before)
	return nil, context.Cause(ctx)
}
