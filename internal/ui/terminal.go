package ui

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether f is one.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Colour reports whether stderr may be coloured: it is a terminal that can, and NO_COLOR is not set.
func Colour(getenv func(string) string, terminal bool) bool {
	return terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}
