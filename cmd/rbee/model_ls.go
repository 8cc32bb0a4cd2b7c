package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/models"
)

// modelRow is one line of rbee model ls, and with --json one object.
type modelRow struct {
	Model        string       `json:"model"` // a reference that means it
	Path         string       `json:"path"`
	Size         int64        `json:"size"`
	Architecture string       `json:"architecture,omitempty"`
	Quantization string       `json:"quantization,omitempty"`
	Source       string       `json:"source"`
	Broken       *fault.Error `json:"broken,omitempty"` // why it cannot be used
}

func newModelLs(p *modelPlace) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the models on this machine, and where each is",
		Example: `  rbee model ls
  rbee model ls --json | jq -r 'select(.quantization=="Q4_K_M").model'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			env, err := p.env()
			if err != nil {
				return err
			}
			all, err := models.List(c.Context(), env)
			if err != nil {
				return err
			}
			if asJSON {
				for _, m := range all {
					if err := p.writeJSON(rowOf(m)); err != nil {
						return err
					}
				}
				return nil
			}
			w := tabwriter.NewWriter(p.t.stdout, 0, 8, 3, ' ', 0)
			fmt.Fprintln(w, "MODEL\tSIZE\tQUANT\tSOURCE")
			for _, m := range all {
				r := rowOf(m)
				size, quant := fit.Bytes(r.Size), cmp.Or(r.Quantization, "-")
				if r.Broken != nil {
					size, quant = "-", "broken"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", cell(r.Model), size, quant, cell(r.Source))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a model")
	return c
}

func rowOf(m models.Model) modelRow {
	r := modelRow{Model: m.Ref, Path: m.Path, Size: m.Size, Source: m.Source}
	if m.Header != nil {
		r.Architecture, r.Quantization = m.Header.Architecture, m.Header.Quantization()
	}
	if m.Broken != nil {
		r.Broken = fault.From(m.Broken)
	}
	return r
}
