package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fit"
)

// snapshot is all that a queen says of what runs, at about one moment.
type snapshot struct {
	Nodes    []api.Node    `json:"nodes"`
	Workers  []api.Worker  `json:"workers"`
	Requests []api.Request `json:"requests"`
}

func takeSnapshot(ctx context.Context, c *api.Client) (s snapshot, err error) {
	if s.Nodes, err = c.Nodes(ctx); err != nil {
		return s, err
	}
	if s.Workers, err = c.Workers(ctx); err != nil {
		return s, err
	}
	s.Requests, err = c.Requests(ctx)
	return s, err
}

func newPs(t *terminal, cfg *settings) *cobra.Command {
	var asJSON bool
	var s *runningQueen
	c := &cobra.Command{
		Use:   "ps",
		Short: "Show what runs: nodes, their workers, and the requests they answer",
		Long: `ps shows what the running daemon has: its nodes, the workers on each, and what they answer. MEMORY is what the
worker's load added, SLOTS are those in use. Requests that no worker has yet come last.`,
		Example: `  rbee ps
  rbee ps --json | jq -r '.workers[].model'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := s.find(c.Context())
			if err != nil {
				return err
			}
			defer d.Kill()
			now, err := takeSnapshot(c.Context(), api.NewClient(d.client))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.stdout).Encode(now)
			}
			return now.write(t.stdout, time.Now())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	s = newRunningQueen(t, cfg, c)
	return c
}

// write prints the tree.
func (s snapshot) write(out io.Writer, now time.Time) error {
	if len(s.Nodes)+len(s.Requests) == 0 {
		_, err := fmt.Fprintln(out, "nothing runs: a request starts what it needs")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tMODEL\tDEVICE\tSLOTS\tMEMORY\tSINCE")
	shown := map[string]bool{}
	for _, n := range s.Nodes {
		fmt.Fprintf(w, "%s\t%s\t\t\t\t\t%s\n", cell(n.Name), n.State, cell(n.Reason))
		for _, k := range s.Workers {
			if k.Node != n.Name {
				continue
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%d/%d\t%s\t%s\n", last(k.Address), k.State, cell(k.Model), k.Device, k.SlotsTotal-k.SlotsAvailable,
				k.SlotsTotal, bytesOr(k.MemoryBytes, "-"), cmp.Or(cell(k.Reason), age(now.Sub(k.LastActivity))))
			for _, r := range s.Requests {
				if r.Worker == k.Address {
					shown[r.ID] = true
					fmt.Fprintf(w, "    %s\t%s\t%s\t\t\t\t%s\n", r.ID, r.State, progress(r), age(now.Sub(r.Arrived)))
				}
			}
		}
	}
	for _, r := range s.Requests {
		if !shown[r.ID] {
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\t\t%s\n", r.ID, r.State, cell(r.Model+" "+progress(r)), age(now.Sub(r.Arrived)))
		}
	}
	return w.Flush()
}

// last is the last life of an address: "worker-0.1".
func last(address string) string { return address[strings.LastIndexByte(address, '~')+1:] }

func bytesOr(n int64, otherwise string) string {
	if n <= 0 {
		return otherwise
	}
	return fit.Bytes(n)
}

// progress says how far a request is.
func progress(r api.Request) string {
	switch {
	case r.State == "queued" && r.EtaMS > 0:
		return fmt.Sprintf("place %d, about %v", r.Position, (time.Duration(r.EtaMS) * time.Millisecond).Round(100*time.Millisecond))
	case r.State == "queued":
		return fmt.Sprintf("place %d", r.Position)
	case r.Tokens > 0:
		return fmt.Sprintf("%d tokens, %.0f tok/s", r.Tokens, r.TokensPerSecond)
	case r.PromptTokens > 0:
		return fmt.Sprintf("%d prompt tokens", r.PromptTokens)
	}
	return ""
}

// age is a time as people say it: two digits are enough.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
