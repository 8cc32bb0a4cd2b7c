package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/keys"
)

// keyRow is one key as rbee key ls --json writes it.
type keyRow struct {
	Name            string    `json:"name"`
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expires,omitzero"`
	Expired         bool      `json:"expired,omitempty"`
	Models          []string  `json:"models,omitempty"`
	Concurrent      int       `json:"concurrent,omitempty"`
	TokensPerMinute int       `json:"tokens_per_minute,omitempty"`
	Weight          float64   `json:"weight"`
}

func newKeyLs(t *terminal, cfg *settings) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the keys there are, and what each may do",
		Example: `  rbee key ls
  rbee key ls --json | jq -r .name`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			path, err := cfg.keyFile()
			if err != nil {
				return err
			}
			set, err := keys.Load(path)
			if err != nil {
				return err
			}
			var rows []keyRow
			for _, k := range set.All() {
				r := keyRow{k.Name, k.Created, k.Expires, k.Expired(time.Now()), k.Models, k.Concurrent, k.TokensPerMinute, k.Weight}
				if r.Weight == 0 {
					r.Weight = 1
				}
				rows = append(rows, r)
			}
			if asJSON {
				out := json.NewEncoder(t.stdout)
				for _, r := range rows {
					if err := out.Encode(r); err != nil {
						return err
					}
				}
				return nil
			}
			return writeKeys(t, rows)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a key")
	return c
}

func writeKeys(t *terminal, rows []keyRow) error {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tMODELS\tCONCURRENT\tTOKENS/MIN\tWEIGHT\tEXPIRES")
	number := func(n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	for _, r := range rows {
		models, expires := "all", "never"
		if len(r.Models) > 0 {
			models = cell(strings.Join(r.Models, ", "))
		}
		if !r.Expires.IsZero() {
			expires = r.Expires.Local().Format("2006-01-02 15:04")
		}
		if r.Expired {
			expires += " (expired)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%g\t%s\n", r.Name, models, number(r.Concurrent), number(r.TokensPerMinute), r.Weight, expires)
	}
	return w.Flush()
}
