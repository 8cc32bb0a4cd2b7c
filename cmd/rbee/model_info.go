package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/models/shelf"
	"rbee/internal/ui"
)

func newModelInfo(p *modelPlace) *cobra.Command {
	var asJSON bool
	var context, slots int64
	c := &cobra.Command{
		Use:   "info MODEL",
		Short: "Show what a model is and what it needs, from its header alone",
		Long: `info reads the header of a model's file and nothing else: what it is, and what a worker on that machine's CPU
would occupy with it. The memory that is free is compared as rbee infer compares it, but for the workers of a daemon.`,
		Example: `  rbee model info demo
  rbee model info tinyllama --ctx 2048 --slots 4 --json
  rbee model info tinyllama --node mac`,
		Args:              oneModel,
		ValidArgsFunction: completeModels(p.t, p.cfg),
		RunE: func(c *cobra.Command, args []string) error {
			if context < 0 || slots < 1 {
				return usagef("--ctx is %d and --slots is %d, allowed is 1 or more", context, slots)
			}
			there, err := p.elsewhere(c)
			if err != nil {
				return err
			}
			if there {
				return p.infoNodes(c, asJSON, api.DiskRequest{Do: api.DoInfo, Model: args[0], Context: given(c, "ctx", context), Slots: given(c, "slots", slots)})
			}
			env, err := p.env()
			if err != nil {
				return err
			}
			i, err := shelf.Describe(c.Context(), args[0], env, context, slots)
			if err != nil {
				return err
			}
			if asJSON {
				return p.writeJSON(i)
			}
			_, err = fmt.Fprint(p.t.stdout, infoText(i))
			return err
		},
	}
	c.Flags().Int64Var(&context, "ctx", 0, "context in tokens (default: what the model was trained for, 4096 at most)")
	c.Flags().Int64Var(&slots, "slots", 1, "answers at the same time")
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object, or one for each node")
	return c
}

func (p *modelPlace) infoNodes(c *cobra.Command, asJSON bool, r api.DiskRequest) error {
	e, err := p.newErrand(c, asJSON, r)
	if err != nil {
		return err
	}
	between := ""
	e.show = func(node string, rows []json.RawMessage) error {
		return each(rows, func(i shelf.Info, raw json.RawMessage) error {
			if asJSON {
				return p.writeRow(node, raw)
			}
			_, err := fmt.Fprintf(e.stdout, "%s%-12s %s\n%s", between, "node", ui.Line(node), infoText(i))
			between = "\n"
			return err
		})
	}
	return e.do()
}

// infoText is for people. Its texts come from the file.
func infoText(i shelf.Info) string {
	var b strings.Builder
	for _, l := range i.Lines() {
		fmt.Fprintf(&b, "%-12s %s\n", l[0], ui.Line(l[1]))
	}
	return b.String()
}
