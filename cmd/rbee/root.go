package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rbee/internal/config"
	"rbee/internal/version"
)

// newRoot builds the command tree.
func newRoot(t *terminal, p parts, env config.Env) *cobra.Command {
	cfg := &settings{env: env}
	root := &cobra.Command{
		Use:   "rbee",
		Short: "Run a language model on any machine you can reach, and leave nothing behind",
		Long: `rbee runs a language model, streams its answer to stdout, and stops every process it started.

If a daemon (rbee queen start) is running, it is used and left running.`,
		Example:       `  rbee infer --model demo --prompt "hello world"`,
		Version:       version.Build(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true, // run reports them, in one form
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetVersionTemplate(version.String("rbee") + "\n")
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVar(&cfg.file, "config", "", "the config file (default: $RBEE_CONFIG, $XDG_CONFIG_HOME/rbee/config.toml)")
	root.AddCommand(
		newInfer(t, p, cfg),
		newRun(t, p, cfg),
		newPlan(t, p, cfg),
		newPs(t, cfg),
		newTop(t, cfg),
		newStatus(t, cfg),
		newStop(t, cfg),
		newLogs(t, cfg),
		newNode(t, p, cfg),
		newModel(t, p, cfg),
		newService(t, cfg),
		newKey(t, cfg),
		newEngine(t, env),
		newDoctor(t, p),
		newMan(t),
		&cobra.Command{
			Use:   "version",
			Short: "Print which build this is",
			Args:  noArguments,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintln(t.stdout, version.String("rbee"))
				return err
			},
		},
	)
	civilise(root)
	return root
}
