package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rbee/deploy"
	"rbee/internal/fault"
	"rbee/internal/ui"
)

func newNodeTrust(t *terminal, p parts, cfg *settings) *cobra.Command {
	var yes bool
	var fingerprint string
	c := &cobra.Command{
		Use:   "trust NAME [--yes --fingerprint SHA256:...]",
		Short: "Show a machine's host key, and trust it from now on",
		Long: `trust shows the key by which a machine proves who it is, and after a yes adds it to ~/.ssh/known_hosts, as ssh
would. Compare the fingerprint with what the machine itself says, on its own console:

  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

A script that knows the fingerprint gives it, with --yes. A key that differs from one that is known is never
trusted: the line that ssh's own message names must be removed first, by somebody who knows why it changed.`,
		Example: `  rbee node trust mac
  rbee node trust mac --yes --fingerprint SHA256:uNiVztksCsDhcc0u9e8BrrUzH...`,
		Args: oneNode,
		RunE: func(c *cobra.Command, args []string) error {
			if yes && fingerprint == "" {
				return usagef("--yes trusts whatever answers").hint("give the fingerprint you expect as well: --fingerprint SHA256:...")
			}
			return trust(c.Context(), t, cfg, args[0], yes, fingerprint)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask; needs --fingerprint")
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "the fingerprint that is expected")
	c.ValidArgsFunction = anyNode(p, cfg)
	return c
}

func trust(ctx context.Context, t *terminal, cfg *settings, name string, yes bool, expected string) error {
	if deploy.IsLocal(name) {
		return usagef("%s is this machine, and is reached without ssh", name).hint("there is nothing to trust; user@%s would be the ssh server here", name)
	}
	k, err := cfg.nodes(t).HostKey(ctx, name)
	if err != nil {
		return err
	}
	if expected != "" && expected != k.Fingerprint {
		return fault.New(fault.SSHHostKeyUnknown, "%s shows the key %s %s, expected was %s", k.Address, k.Kind, k.Fingerprint, expected).
			WithHint("somebody may be in between, or it is another machine: do not connect")
	}
	if k.Trusted {
		_, err := fmt.Fprintf(t.stdout, "%s is trusted already: %s %s\n", name, k.Kind, k.Fingerprint)
		return err
	}
	if !yes {
		if !ui.IsTerminal(t.stdin) {
			return usagef("there is no terminal to ask at").hint("give --yes --fingerprint %s, after you have compared it", k.Fingerprint)
		}
		fmt.Fprintf(t.stderr, "%s (%s) shows the key\n  %s %s\nTrust it from now on? [y/N] ", name, k.Address, k.Kind, k.Fingerprint)
		if !saidYes(t.stdin) {
			return fault.New(fault.SSHHostKeyUnknown, "the key of %s was not trusted", name)
		}
	}
	if err := k.Trust(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "%s is trusted: %s %s\n", name, k.Kind, k.Fingerprint)
	return err
}

func saidYes(in *os.File) bool {
	line, _ := bufio.NewReader(in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}

func oneNode(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes the name of one node, and got %d", c.CommandPath(), len(args)).hint("rbee node ls lists them")
	}
	return nil
}
