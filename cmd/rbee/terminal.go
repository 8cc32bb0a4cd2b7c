package main

import (
	"errors"
	"io/fs"
	"os"

	"rbee/internal/fault"
	"rbee/internal/ui"
)

// terminal is the outside of the process.
type terminal struct {
	args                  []string // the command line, without the program
	stdin, stdout, stderr *os.File
	getenv                func(string) string
}

// exitError ends a command whose outcome has been reported already.
type exitError struct{ code int }

func (e exitError) Error() string { return "reported" }

// exitCode reports err, unless that was done, and returns the exit code for it.
func (t *terminal) exitCode(err error) int {
	var reported exitError
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &reported):
		return reported.code
	case errors.As(err, &usage):
		t.narrator(false).Fail(usage.fault, "")
		return 2
	case t.isStdout(err):
		err = stdoutFault(err)
	}
	t.narrator(false).Fail(fault.From(err), "")
	return 1
}

// isStdout: is err of a write to stdout? Most commands just return what a print returned.
func (t *terminal) isStdout(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" && path.Path == t.stdout.Name()
}

func (t *terminal) narrator(quiet bool) *ui.Narrator {
	is := ui.IsTerminal(t.stderr)
	return &ui.Narrator{Out: t.stderr, Terminal: is, Colour: ui.Colour(t.getenv, is), Quiet: quiet}
}
