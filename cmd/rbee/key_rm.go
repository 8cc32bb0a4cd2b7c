package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rbee/internal/keys"
)

func newKeyRm(t *terminal, cfg *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME...",
		Aliases: []string{"remove"},
		Short:   "Take keys away",
		Long: `rm takes keys away: all that are named, or none if one of them is not there. A running daemon refuses them from
the next request on; one that is being answered is answered.`,
		Example: `  rbee key rm alice`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("NAME is missing").hint("rbee key ls lists the keys")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			names := unique(args)
			path, err := cfg.editKeys(func(s keys.Set) (keys.Set, error) { return s.Remove(names...) })
			if err != nil {
				return err
			}
			for _, name := range names {
				fmt.Fprintf(t.stdout, "removed %s from %s\n", name, path)
			}
			return nil
		},
		ValidArgsFunction: keyNames(cfg),
	}
}
