package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/models"
)

// completeTime is what live names may take: a person waits with a finger on the tab key.
const completeTime = 500 * time.Millisecond

// completion is what cobra asks for words with.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeRunning offers what rbee stop can end.
func completeRunning(s **runningQueen) completion {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completeTime)
		defer cancel()
		d, err := (*s).find(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer d.Kill()
		now, err := takeSnapshot(ctx, api.NewClient(d.client))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for _, w := range now.Workers {
			words = append(words, w.Model, last(w.Address))
		}
		for _, n := range now.Nodes {
			words = append(words, n.Name)
		}
		slices.Sort(words)
		return leaveOut(slices.Compact(words), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeModels offers the models on this machine, and demo, which is always there. A path is completed by the shell.
func completeModels(t *terminal, cfg *settings) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completeTime)
		defer cancel()
		words := []string{"demo"}
		here := modelPlace{t: t, cfg: cfg}
		if env, err := here.env(); err == nil {
			all, _ := models.List(ctx, env)
			for _, m := range all {
				words = append(words, m.Ref)
			}
		}
		slices.Sort(words)
		return slices.Compact(words), cobra.ShellCompDirectiveDefault
	}
}

func leaveOut(words, used []string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return slices.Contains(used, w) })
}
