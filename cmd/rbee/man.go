package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"rbee/internal/fault"
	"rbee/internal/version"
)

// manDate is that of the pages: one that changed with every build would make every package of it differ.
var manDate = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// newMan writes the man pages, of this very command tree.
func newMan(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the man pages into a folder",
		Long:    `man writes one page for each command into DIR, for instance /usr/local/share/man/man1; make install does.`,
		Example: `  rbee man ./man1 && man ./man1/rbee-infer.1`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("man takes one DIR, and got %d", len(args)).hint("for instance rbee man ./man1")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fault.Wrap(fault.InvalidRequest, err, "cannot make %s: %v", args[0], root(err)).WithHint("name a folder that you may write to")
			}
			all := c.Root()
			all.DisableAutoGenTag = true
			if err := doc.GenManTree(all, &doc.GenManHeader{Section: "1", Source: "rbee " + version.Build(), Manual: "rbee", Date: &manDate}, args[0]); err != nil {
				return fault.Wrap(fault.InvalidRequest, err, "cannot write to %s: %v", args[0], root(err)).WithHint("name a folder that you may write to")
			}
			_, err := fmt.Fprintf(t.stdout, "wrote the man pages into %s\n", args[0])
			return err
		},
	}
}
