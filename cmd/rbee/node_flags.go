package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/config"
)

// nodeFlags are the flags of node add, as typed.
type nodeFlags struct {
	config.Node
	command, byDefault bool
}

// node makes the node of the arguments and flags, and checks it.
func (f *nodeFlags) node(c *cobra.Command, args []string) (string, nodeFlags, error) {
	n := *f
	name := args[0]
	help := c.CommandPath() + " --help shows examples"
	if allowed := config.NodeNameProblem(name); allowed != "" {
		return "", n, usagef("NAME is %q, allowed is %s", name, allowed).hint("%s", help)
	}
	dash := c.ArgsLenAtDash()
	switch {
	case dash >= 0 && dash < len(args):
		n.Command, args = args[dash:], args[:dash]
	case dash >= 0 || f.command:
		return "", n, usagef("the command is missing: it goes behind --").
			hint("for instance rbee node add %s -- docker exec -i %s", name, name)
	}
	if len(args) == 2 {
		if err := n.target(args[1]); err != nil {
			return "", n, err
		}
	}
	if c.Flags().Changed("port") && f.Port == 0 {
		return "", n, usagef("--port is 0, allowed is 1 to 65535").hint("%s", help)
	}
	if f.Weight == 0 {
		return "", n, usagef("--weight is 0, allowed is more than 0").hint("%s", help)
	}
	for i, key := range n.Identity {
		if !filepath.IsAbs(key) && !strings.HasPrefix(key, "~/") && key != "" {
			full, err := filepath.Abs(key)
			if err != nil {
				return "", n, usagef("cannot make --identity %s absolute: %v", key, err).hint("write the whole path")
			}
			n.Identity[i] = full
		}
	}
	if p := n.Problem(); p != nil {
		return "", n, usagef("%s is %s, allowed is %s", nodeFlag(p.Field), p.Value, p.Allowed).hint("%s", help)
	}
	return name, n, nil
}

// target reads [USER@]HOST[:PORT]; what it says must not be said again by a flag.
func (f *nodeFlags) target(s string) error {
	target, allowed := config.ParseTarget(s)
	switch {
	case allowed != "":
		return usagef("HOST is %q, allowed is %s", s, allowed).hint("a program that leads to the node goes behind --")
	case target.User != "" && f.User != "":
		return usagef("the user is given twice, as %q and with --user", target.User).hint("leave one of them out")
	case target.Port != 0 && f.Port != 0:
		return usagef("the port is given twice, as %d and with --port", target.Port).hint("leave one of them out")
	}
	f.Host = target.Host
	if target.User != "" {
		f.User = target.User
	}
	if target.Port != 0 {
		f.Port = target.Port
	}
	return nil
}

// checkIdentities warns of keys that are not there: they may be on a stick.
func (f *nodeFlags) checkIdentities(t *terminal, cfg *settings) error {
	for _, key := range f.Identity {
		path, err := cfg.env.Expand(key)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			t.narrator(false).Keeper("warn", "the key %s is not there", key)
		}
	}
	return nil
}

// nodeFlag is the word or flag behind a field of a node.
func nodeFlag(field string) string {
	switch field {
	case "host":
		return "HOST"
	case "command":
		return "the command"
	case "devices":
		return "--device"
	}
	return flagName(field)
}
