package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/config"
)

func newNodeRm(t *terminal, cfg *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME...",
		Aliases: []string{"remove"},
		Short:   "Take machines out of the config file",
		Long: `rm takes nodes out of the config file: all that are named, or none if one of them is not there. A comment directly
above a node goes with it. If it was the default, the default is localhost again.

Nothing is changed on the node. What ssh can reach can still be used by its name.`,
		Example: `  rbee node rm mac`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("NAME is missing").hint("rbee node ls lists the nodes")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			names := unique(args)
			var path, before, after string
			err := cfg.edit(func(d *config.Document) error {
				path, before = d.File().Path, d.File().DefaultNode
				for _, name := range names {
					if err := d.RemoveNode(name); err != nil {
						return err
					}
				}
				after = without(before, names)
				return d.SetDefault(after)
			})
			if err != nil {
				return err
			}
			for _, name := range names {
				fmt.Fprintf(t.stdout, "removed %s from %s\n", name, path)
			}
			if before != after {
				return sayDefault(t, after)
			}
			return nil
		},
		ValidArgsFunction: configured(cfg),
	}
}

// without takes names out of a list with commas.
func without(list string, names []string) string {
	left := slices.DeleteFunc(strings.Split(list, ","), func(name string) bool { return slices.Contains(names, name) })
	return strings.Join(left, ",")
}

// unique is names without repetitions, in their order.
func unique(names []string) (all []string) {
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
