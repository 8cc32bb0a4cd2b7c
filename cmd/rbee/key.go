package main

import (
	"slices"

	"github.com/spf13/cobra"

	"rbee/internal/keys"
)

func newKey(t *terminal, cfg *settings) *cobra.Command {
	group := &cobra.Command{
		Use:   "key",
		Short: "Make, list and take away the API keys of a daemon",
		Long: `API keys say who may use a daemon from other machines, and how much. On this machine none is needed, unless the
daemon was started with --require-keys; one that is shown counts all the same.

They are kept in keys.json beside the config file, without the keys themselves. A running daemon notices a change by
itself.`,
		Example: `  rbee key add alice --models tinyllama,qwen --tokens-per-minute 20000
  rbee key ls
  rbee key rm alice`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	group.AddCommand(newKeyAdd(t, cfg), newKeyLs(t, cfg), newKeyRm(t, cfg))
	return group
}

// keyFile is where the keys are.
func (s *settings) keyFile() (string, error) { return s.env.KeysFile(s.file) }

// editKeys changes the key file.
func (s *settings) editKeys(change func(keys.Set) (keys.Set, error)) (path string, err error) {
	if path, err = s.keyFile(); err != nil {
		return "", err
	}
	return path, keys.Edit(path, change)
}

// keyNames completes names of keys that the command line does not name yet.
func keyNames(cfg *settings) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		path, err := cfg.keyFile()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		set, err := keys.Load(path)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, k := range set.All() {
			names = append(names, k.Name)
		}
		return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args, n) }), cobra.ShellCompDirectiveNoFileComp
	}
}
