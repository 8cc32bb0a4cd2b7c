package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fit"
	"rbee/internal/models/shelf"
)

func newModelLs(p *modelPlace) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the models on this machine or on nodes, and where each is",
		Example: `  rbee model ls
  rbee model ls --node any
  rbee model ls --json | jq -r 'select(.quantization=="Q4_K_M").model'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if there, err := p.elsewhere(c); err != nil || there {
				return p.listNodes(c, asJSON, err)
			}
			env, err := p.env()
			if err != nil {
				return err
			}
			all, err := shelf.List(c.Context(), env)
			if err != nil {
				return err
			}
			if asJSON {
				for _, r := range all {
					if err := p.writeJSON(r); err != nil {
						return err
					}
				}
				return nil
			}
			w := tabwriter.NewWriter(p.t.stdout, 0, 8, 3, ' ', 0)
			fmt.Fprintln(w, "MODEL\tSIZE\tQUANT\tSOURCE")
			for _, r := range all {
				fmt.Fprintln(w, cells(r))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a model")
	return c
}

// listNodes writes one table for all nodes.
func (p *modelPlace) listNodes(c *cobra.Command, asJSON bool, err error) error {
	if err != nil {
		return err
	}
	e, err := p.newErrand(c, asJSON, api.DiskRequest{Do: api.DoList})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "NODE\tMODEL\tSIZE\tQUANT\tSOURCE")
	e.show = func(node string, rows []json.RawMessage) error {
		return each(rows, func(r shelf.Row, raw json.RawMessage) error {
			if asJSON {
				return p.writeRow(node, raw)
			}
			_, err := fmt.Fprintln(w, cell(node)+"\t"+cells(r))
			return err
		})
	}
	if !asJSON {
		e.end = w.Flush
	}
	return e.do()
}

func cells(r shelf.Row) string {
	size, quant := fit.Bytes(r.Size), cmp.Or(r.Quantization, "-")
	if r.Broken != nil {
		size, quant = "-", "broken"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s", cell(r.Model), size, cell(quant), cell(r.Source))
}
