package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rbee/internal/fit"
	"rbee/internal/models"
	"rbee/internal/ui"
)

// usedBy is the disk that one entry of the model directory takes.
type usedBy struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// Partial is how much of it belongs to downloads that are not complete.
	Partial int64 `json:"partial,omitempty"`
}

// used is what rbee model du says with --json.
type used struct {
	Directory string   `json:"directory"`
	Entries   []usedBy `json:"entries"`
	Bytes     int64    `json:"bytes"`
}

func newModelDu(p *modelPlace) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "du",
		Short: "Show how much disk the model directory takes",
		Long: `du adds up the files of the model directory, those of downloads that are not complete included. Other programs'
models are not counted: they take nothing on rbee's account.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			env, err := p.env()
			if err != nil {
				return err
			}
			dir, _, err := models.Dir(env)
			if err != nil {
				return err
			}
			u, err := diskUse(dir)
			if err != nil {
				return err
			}
			if asJSON {
				return p.writeJSON(u)
			}
			w := tabwriter.NewWriter(p.t.stdout, 0, 8, 3, ' ', tabwriter.AlignRight)
			for _, e := range u.Entries {
				note := ""
				if e.Partial > 0 {
					note = " (" + fit.Bytes(e.Partial) + " not complete)"
				}
				fmt.Fprintf(w, "%s\t  %s%s\n", fit.Bytes(e.Bytes), ui.Line(e.Name), note)
			}
			fmt.Fprintf(w, "%s\t  %s\n", fit.Bytes(u.Bytes), ui.Line(u.Directory))
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return c
}

// diskUse adds up the files below dir, by what is right in it. A folder that may not be read counts as empty.
func diskUse(dir string) (used, error) {
	u := used{Directory: dir, Entries: []usedBy{}}
	by := map[string]*usedBy{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			if path == dir && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		in, _ := filepath.Rel(dir, path)
		name, _, _ := strings.Cut(in, string(filepath.Separator))
		if by[name] == nil {
			by[name] = &usedBy{Name: name}
		}
		by[name].Bytes += info.Size()
		if strings.Contains(e.Name(), ".partial") {
			by[name].Partial += info.Size()
		}
		u.Bytes += info.Size()
		return nil
	})
	for _, e := range by {
		u.Entries = append(u.Entries, *e)
	}
	slices.SortFunc(u.Entries, func(a, b usedBy) int { return strings.Compare(a.Name, b.Name) })
	return u, err
}
