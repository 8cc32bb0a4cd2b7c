package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rbee/internal/config"
)

func newNodeAdd(t *terminal, cfg *settings) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:   "add NAME [[USER@]HOST[:PORT]] [flags] | add NAME [flags] -- COMMAND [ARG...]",
		Short: "Add a machine to the config file",
		Long: `add writes a node into the config file. HOST is what ssh would take: a name, an address, or a Host of the ssh
config, whose other settings then count too. Without HOST it is the node's name.

Behind -- is a program that is started instead of ssh: with a command behind its last argument, it must run that
on the node, and be its stdin and stdout.

Nothing is connected yet, and nothing is changed on the node.`,
		Example: `  rbee node add mac me@mac.local --default
  rbee node add gpu 10.0.0.7:2222 --user me --identity ~/.ssh/gpu --jump bastion --device cuda:0
  rbee node add box -- docker exec -i box
  rbee node add pod -- kubectl exec -i pod --`,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			words := len(args)
			if dash := c.ArgsLenAtDash(); dash >= 0 {
				words = dash
			}
			switch {
			case words == 0:
				return usagef("NAME is missing").hint("for instance rbee node add mac me@mac.local")
			case words > 2:
				return usagef("%s takes NAME and HOST, but got %q too", c.CommandPath(), args[2]).
					hint("a program that leads to the node goes behind --")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			name, n, err := f.node(c, args)
			if err != nil {
				return err
			}
			if err := n.checkIdentities(t, cfg); err != nil {
				return err
			}
			var path string
			err = cfg.edit(func(d *config.Document) error {
				path = d.File().Path
				if err := d.AddNode(name, n.Node); err != nil || !f.byDefault {
					return err
				}
				return d.SetDefault(name)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.stdout, "added %s (%s) to %s\n", name, cell(n.Target(name)), path)
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.User, "user", "", "who to log in as (default: the ssh config's, else you)")
	fl.IntVar(&f.Port, "port", 0, "the port of its ssh server (default: the ssh config's, else 22)")
	fl.StringArrayVar(&f.Identity, "identity", nil, "a private key; may be repeated (default: the ssh config's and the agent's)")
	fl.StringVar(&f.Jump, "jump", "", "the way there: [user@]host[:port], several with commas")
	fl.BoolVar(&f.command, "command", false, "what is behind -- is the way there, instead of ssh")
	fl.StringVar(&f.ModelsDir, "models-dir", "", "where models are on the node, absolute or ~/")
	fl.StringVar(&f.CacheDir, "cache-dir", "", "where rbee keeps its programs on the node, absolute or ~/")
	fl.StringArrayVar(&f.Devices, "device", nil, "use this device only, like cuda:0; may be repeated (default: all)")
	fl.Float64Var(&f.Weight, "weight", 1, "how much of the work it gets, against the others")
	fl.BoolVar(&f.byDefault, "default", false, "use it when --node is not given")
	return c
}
