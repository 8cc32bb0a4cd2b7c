package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/ui"
)

// nodeRow is one line of rbee node ls, and with --json one object.
type nodeRow struct {
	Name    string `json:"name"`
	Target  string `json:"target"`          // [user@]host[:port], or the command
	From    string `json:"from"`            // built in, config, ssh config
	Default bool   `json:"default"`         // without --node, a request goes here
	State   string `json:"state,omitempty"` // as the daemon sees it; "" = no daemon, or not its business
}

func newNodeLs(t *terminal, p parts, cfg *settings) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the nodes; * marks the default",
		Long: `ls lists the nodes, and where each is known from. A * marks what is used without --node. The state is what a
running daemon says; without one it is -.`,
		Example: `  rbee node ls
  rbee node ls --json | jq -r 'select(.default).name'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := cfg.load()
			if err != nil {
				return err
			}
			var states map[string]nodeState
			if p.nodes.states != nil {
				states = p.nodes.states(c.Context())
			}
			rows := nodeRows(f, p.otherNodes(), states)
			if asJSON {
				return writeJSONLines(t, rows)
			}
			return writeTable(t, rows)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a node")
	return c
}

// nodeRows are this machine, then the nodes of the file by name, then the others. Where a name is in two places, the
// file's is the one that counts.
func nodeRows(f *config.File, others []otherNode, states map[string]nodeState) []nodeRow {
	rows := []nodeRow{{Name: api.DefaultNode, Target: "this machine", From: "built in"}}
	for _, name := range f.NodeNames() {
		rows = append(rows, nodeRow{Name: name, Target: f.Nodes[name].Target(name), From: "config"})
	}
	for _, o := range others {
		if !slices.ContainsFunc(rows, func(r nodeRow) bool { return r.Name == o.Name }) {
			rows = append(rows, nodeRow{Name: o.Name, Target: o.Target, From: o.From})
		}
	}
	defaults := strings.Split(f.DefaultNode, ",")
	if f.DefaultNode == "" {
		defaults = []string{api.DefaultNode}
	}
	for i := range rows {
		r := &rows[i]
		r.Default = slices.Contains(defaults, r.Name) || r.From == "config" && slices.Contains(defaults, "any")
		r.State = states[r.Name].State
	}
	return rows
}

func writeJSONLines(t *terminal, rows []nodeRow) error {
	out := json.NewEncoder(t.stdout)
	out.SetEscapeHTML(false)
	for _, r := range rows {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func writeTable(t *terminal, rows []nodeRow) error {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tTARGET\tFROM\tSTATE")
	for _, r := range rows {
		if r.Default {
			r.Name += " *"
		}
		if r.State == "" {
			r.State = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, cell(r.Target), r.From, cell(r.State))
	}
	return w.Flush()
}

// cell is a text of the user's, or of another machine, as one cell of a table on a terminal.
func cell(s string) string {
	const most = 60
	s = strings.ReplaceAll(ui.Line(s), "\t", " ")
	if short := []rune(s); len(short) > most {
		return string(short[:most-3]) + "..."
	}
	return s
}
