package main

import (
	"github.com/spf13/cobra"
)

// civilise makes the two commands that come with cobra answer a wrong word as ours do. Left alone, help shows the help
// of something else, completion its own, both with exit code 0, and the shells below completion call it an internal
// error.
func civilise(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, help
		case "completion":
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(c *cobra.Command, args []string) error {
				if len(args) > 0 {
					return noCommand(c, args[0])
				}
				return c.Help()
			}
			for _, shell := range c.Commands() {
				shell.Args = noArguments
			}
		}
	}
}

// help is rbee help COMMAND...
func help(c *cobra.Command, args []string) error {
	of, rest, err := c.Root().Find(args)
	if err != nil {
		return usagef("%v", err)
	}
	if len(rest) > 0 {
		return noCommand(of, rest[0])
	}
	of.InitDefaultHelpFlag() // which is otherwise made when a command runs
	of.InitDefaultVersionFlag()
	return of.Help()
}
