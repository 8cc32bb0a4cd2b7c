package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rbee/internal/fault"
	"rbee/internal/near"
)

// usageError is a mistake on the command line: exit code 2, and nothing has been started.
type usageError struct{ fault *fault.Error }

func (u usageError) Error() string { return u.fault.Error() }
func (u usageError) Unwrap() error { return u.fault }

func usagef(format string, args ...any) usageError {
	return usageError{fault.New(fault.InvalidRequest, format, args...)}
}

func (u usageError) hint(format string, args ...any) usageError {
	u.fault.WithHint(format, args...)
	return u
}

// flagError says what pflag found, in the words of the rest.
func flagError(c *cobra.Command, err error) error {
	help := c.CommandPath() + " --help lists all flags"
	if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 {
		return noCommand(c, words[0]) // its flags are unknown because it is
	}
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if meant := near.Flag(c.Flags(), err); meant != "" {
			return usagef("there is no flag --%s", unknown.GetSpecifiedName()).hint("did you mean --%s? %s", meant, help)
		}
		name := "--" + unknown.GetSpecifiedName()
		if s := unknown.GetSpecifiedShortnames(); s != "" {
			name = fmt.Sprintf("-%s (in -%s)", unknown.GetSpecifiedName(), s)
		}
		return usagef("there is no flag %s", name).hint("%s", help)
	case errors.As(err, &valueless):
		return usagef("--%s is without a value, allowed is %s", valueless.GetFlag().Name, kindName(valueless.GetFlag())).hint("%s", help)
	case errors.As(err, &invalid):
		return usagef("--%s is %q, allowed is %s", invalid.GetFlag().Name, invalid.GetValue(), kindName(invalid.GetFlag())).hint("%s", help)
	}
	return usagef("%v", err).hint("%s", help)
}

func kindName(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "int64":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return "a time like 500ms, 30s or 2m"
	case "bool":
		return "true or false"
	}
	return "some text"
}

// noCommand is the error for a word that is no command of c.
func noCommand(c *cobra.Command, word string) error {
	u := usagef("there is no command %q", word)
	if !c.HasSubCommands() {
		return u.hint("%s has no commands below it: %s --help", c.CommandPath(), c.CommandPath())
	}
	if other := meant(c, word); other != "" {
		return u.hint("did you mean %s %s? %s --help lists all commands", c.CommandPath(), other, c.CommandPath())
	}
	return u.hint("%s --help lists all commands", c.CommandPath())
}

// noArguments refuses words behind a command that takes flags only.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("%s takes no arguments, but got %q", c.CommandPath(), args[0]).hint("%s --help shows its flags", c.CommandPath())
}
