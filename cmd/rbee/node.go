package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/config"
)

// nodeParts are what is known about nodes besides the config file. A nil function knows nothing.
type nodeParts struct {
	// others returns the nodes that need no entry in the config file: the Hosts of the ssh config.
	others func() []otherNode
	// reachable reports whether --node would take a name that is in no list: user@host, a pattern of the ssh config.
	reachable func(name string) bool
	// states asks a running daemon how its nodes are, by name. It answers in a moment or not at all.
	states func(ctx context.Context) map[string]nodeState
}

// otherNode is a node that is known from somewhere else.
type otherNode struct {
	Name, Target string
	From         string // "ssh config"
}

// nodeState is how a daemon sees a node.
type nodeState struct {
	State string // one word: connected, starting, lost
}

func newNode(t *terminal, p parts, cfg *settings) *cobra.Command {
	group := &cobra.Command{
		Use:   "node",
		Short: "Add, list, check and trust the machines that answers come from",
		Long: `A node is a machine that rbee may run a model on: this one (localhost), one of the config file, or whatever
ssh can reach. rbee node writes the config file, and nothing else of it than the node's own lines: comments, order
and spacing stay as they are. It may as well be edited by hand.`,
		Example: `  rbee node add mac me@mac.local --default
  rbee node ls
  rbee infer --node mac --model tinyllama --prompt "hello"
  rbee node rm mac`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	group.AddCommand(newNodeAdd(t, cfg), newNodeLs(t, p, cfg), newNodeRm(t, cfg), newNodeUse(t, p, cfg),
		newNodeTrust(t, p, cfg), newNodeCheck(t, p, cfg), newNodeDetect(t, p, cfg))
	return group
}

// configured completes the nodes of the config file that the command line does not name yet.
func configured(cfg *settings) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		f, err := cfg.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		left := slices.DeleteFunc(f.NodeNames(), func(name string) bool { return slices.Contains(args, name) })
		return left, cobra.ShellCompDirectiveNoFileComp
	}
}

// anyNode completes one node that --node would take.
func anyNode(p parts, cfg *settings) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		f, err := cfg.load()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return knownNodes(p, f), cobra.ShellCompDirectiveNoFileComp
	}
}

// nodeList completes what --node takes: a name, or the last of several with commas.
func nodeList(p parts, cfg *settings) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		f, err := cfg.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		there := strings.Split(before, ",")
		names := knownNodes(p, f)
		if before == "" {
			names = append(names, "any")
		}
		var all []string
		for _, name := range names {
			if !slices.Contains(there, name) {
				all = append(all, before+name)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// knownNodes are the names that --node takes for sure, this machine first.
func knownNodes(p parts, f *config.File) []string {
	names := []string{"localhost"}
	for _, row := range nodeRows(f, p.otherNodes(), nil) {
		if !slices.Contains(names, row.Name) {
			names = append(names, row.Name)
		}
	}
	return names
}

func (p parts) otherNodes() []otherNode {
	if p.nodes.others == nil {
		return nil
	}
	return p.nodes.others()
}

func (p parts) reachableNode(name string) bool {
	return p.nodes.reachable != nil && p.nodes.reachable(name)
}
