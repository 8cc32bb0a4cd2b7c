package main

import (
	"slices"

	"github.com/spf13/cobra"
)

func newServiceRestart(at func() (*service, error)) *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use:   "restart [-- FLAG...]",
		Short: "Stop the daemon, if one runs, and start one",
		Long: `restart is stop, then start: with the flags behind --, else with those that the running one was started with. It is
how a daemon of another build is replaced by one of this build.`,
		Example: `  rbee queen restart
  rbee queen restart -- --slots 8`,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.ArgsLenAtDash() != 0 {
				return usagef("%s takes no arguments, but got %q", c.CommandPath(), args[0]).hint("flags of the daemon go behind --")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			s, err := at()
			if err != nil {
				return err
			}
			old, err := s.look(c.Context())
			if err != nil {
				return err
			}
			if old != nil {
				if len(args) == 0 {
					args = daemonFlags(old.Args)
				}
				if _, err := s.stop(c.Context(), now, false, false); err != nil {
					return err
				}
			}
			return s.start(c.Context(), args)
		},
	}
	c.SetFlagErrorFunc(daemonFlagError)
	c.Flags().BoolVar(&now, "now", false, "do not wait for running requests")
	return c
}

// daemonFlags are the flags of a daemon's own command line, less those that start gives it.
func daemonFlags(args []string) []string {
	args = slices.Clone(args)
	if len(args) > 0 && args[0] == "daemon" {
		args = args[1:]
	}
	for _, ours := range []string{"--socket", "--log"} {
		if i := slices.Index(args, ours); i >= 0 && i+1 < len(args) {
			args = slices.Delete(args, i, i+2)
		}
	}
	return args
}
