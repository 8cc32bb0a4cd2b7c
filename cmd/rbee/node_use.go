package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/config"
)

// newNodeUse sets the default, as docker context use does.
func newNodeUse(t *terminal, p parts, cfg *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Make a node the default, for when --node is not given",
		Long: `use makes a node the default: where rbee infer runs when --node is not given. It takes what --node takes: a name,
several with commas, any (all nodes of the config file), or localhost.`,
		Example: `  rbee node use mac
  rbee node use mac,box
  rbee node use localhost`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%s takes one NAME, but got %d", c.CommandPath(), len(args)).hint("several nodes are one word, with commas: mac,box")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			nodes := args[0]
			err := cfg.edit(func(d *config.Document) error {
				known := append(knownNodes(p, d.File()), "any")
				for name := range strings.SplitSeq(nodes, ",") {
					if !slices.Contains(known, name) && !p.reachableNode(name) {
						return d.File().UnknownNode(name)
					}
				}
				if nodes == "localhost" {
					return d.SetDefault("") // what it is anyhow
				}
				return d.SetDefault(nodes)
			})
			if err != nil {
				return err
			}
			return sayDefault(t, nodes)
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nodeList(p, cfg)(c, args, typed)
		},
	}
}

func sayDefault(t *terminal, nodes string) error {
	if nodes == "" {
		nodes = "localhost"
	}
	_, err := fmt.Fprintf(t.stdout, "the default node is %s\n", nodes)
	return err
}
