package main

import (
	"github.com/spf13/cobra"
)

func newDoctor(t *terminal, p parts) *cobra.Command {
	var fix bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "List what dead runs have left behind, and end it with --fix",
		Long: `doctor lists processes of runs whose keeper is gone. With --fix it ends them: by their identity
(pid, start time, run and user), never by name.

It exits 1 if something is left.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			left, err := p.doctor(c.Context(), t.stdout, fix)
			if err == nil && left > 0 {
				return exitError{1}
			}
			return err
		},
	}
	c.Flags().BoolVar(&fix, "fix", false, "end what is left")
	return c
}
