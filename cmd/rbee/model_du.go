package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fit"
	"rbee/internal/models/shelf"
	"rbee/internal/ui"
)

func newModelDu(p *modelPlace) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "du",
		Short: "Show how much disk the model directory takes",
		Long: `du adds up the files of the model directory, those of downloads that are not complete included. Other programs'
models are not counted: they take nothing on rbee's account.`,
		Example: `  rbee model du
  rbee model du --node any`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			there, err := p.elsewhere(c)
			if err != nil {
				return err
			}
			if there {
				return p.useNodes(c, asJSON)
			}
			env, err := p.env()
			if err != nil {
				return err
			}
			u, err := shelf.Use(env)
			if err != nil {
				return err
			}
			if asJSON {
				return p.writeJSON(u)
			}
			w := tabwriter.NewWriter(p.t.stdout, 0, 8, 3, ' ', tabwriter.AlignRight)
			for _, e := range u.Entries {
				fmt.Fprintf(w, "%s\t  %s\n", fit.Bytes(e.Bytes), entry(e))
			}
			fmt.Fprintf(w, "%s\t  %s\n", fit.Bytes(u.Bytes), ui.Line(u.Directory))
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object, or one for each node")
	return c
}

func (p *modelPlace) useNodes(c *cobra.Command, asJSON bool) error {
	e, err := p.newErrand(c, asJSON, api.DiskRequest{Do: api.DoUse})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 3, ' ', tabwriter.AlignRight)
	e.show = func(node string, rows []json.RawMessage) error {
		return each(rows, func(u shelf.Used, raw json.RawMessage) error {
			if asJSON {
				return p.writeRow(node, raw)
			}
			for _, x := range u.Entries {
				fmt.Fprintf(w, "%s\t%s\t  %s\n", cell(node), fit.Bytes(x.Bytes), entry(x))
			}
			_, err := fmt.Fprintf(w, "%s\t%s\t  %s\n", cell(node), fit.Bytes(u.Bytes), ui.Line(u.Directory))
			return err
		})
	}
	if !asJSON {
		e.end = w.Flush
	}
	return e.do()
}

func entry(e shelf.UsedBy) string {
	if e.Partial > 0 {
		return ui.Line(e.Name) + " (" + fit.Bytes(e.Partial) + " not complete)"
	}
	return ui.Line(e.Name)
}
