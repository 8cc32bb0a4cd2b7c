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

// askSecret asks on the controlling terminal, without echo. When ctx ends first (Ctrl-C) the terminal is as it was
// before; the read itself cannot be ended, and dies with this process.
func (i *inference) askSecret(ctx context.Context, text string) ([]byte, error) {
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
	interrupted, stop := i.untilInterrupted()
	defer stop()
	select {
	case r := <-read:
		return r.secret, r.err
	case <-ctx.Done():
	case <-interrupted.Done():
	}
	_ = term.Restore(fd, before)
	return nil, context.Canceled
}
