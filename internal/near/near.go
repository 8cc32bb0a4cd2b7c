// Package near guesses what somebody meant who mistyped a flag or a command.
package near

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// Word returns the candidate that name was probably meant to be, or "". It must start with name, or be at most two
// edits away and less than half of it.
func Word(name string, candidates ...string) string {
	best, distance := "", 3
	for _, c := range candidates {
		d := edits(name, c)
		if len(name) >= 2 && strings.HasPrefix(c, name) {
			d = min(d, 1)
		}
		if d < distance && 2*d <= len(name) {
			best, distance = c, d
		}
	}
	return best
}

// Flag returns the flag that the unknown one of err, as pflag reports it, was probably meant to be, or "".
func Flag(flags *pflag.FlagSet, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return ""
	}
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return Word(unknown.GetSpecifiedName(), names...)
}

// edits is the Levenshtein distance: how many bytes to insert, delete or replace.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := diagonal
			if a[i-1] != b[j-1] {
				replace++
			}
			diagonal = row[j]
			row[j] = min(replace, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
