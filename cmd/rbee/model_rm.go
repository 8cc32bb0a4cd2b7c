package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/models"
	"rbee/internal/ui"
)

// removed is what rbee model rm did, with --json one object a model.
type removed struct {
	Model string   `json:"model"`
	Files []string `json:"files"`
	Freed int64    `json:"freed"` // bytes
}

func newModelRm(p *modelPlace) *cobra.Command {
	var asJSON bool
	var socket string
	c := &cobra.Command{
		Use:     "rm MODEL...",
		Aliases: []string{"remove"},
		Short:   "Delete models of the model directory",
		Long: `rm deletes the files of models in the model directory, and the folder of each if nothing else is in it. What
other programs keep is not touched. A model that a worker of the running daemon has is not deleted either.`,
		Example: `  rbee model rm tinyllama`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("MODEL is missing").hint("rbee model ls lists them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			env, err := p.env()
			if err != nil {
				return err
			}
			workers, err := p.workers(c.Context(), socket)
			if err != nil {
				return err
			}
			for _, ref := range unique(args) {
				m, err := models.Remove(ref, env, func(m models.Model) error { return inUse(m, workers) })
				if err != nil {
					return err
				}
				if asJSON {
					err = p.writeJSON(removed{ref, m.Files(), m.Size})
				} else {
					_, err = fmt.Fprintf(p.t.stdout, "deleted %s: %s (%s)\n", ui.Line(ref), ui.Line(m.Path), fit.Bytes(m.Size))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a model")
	c.Flags().StringVar(&socket, "socket", "", "where to look for a daemon (default: $RBEE_SOCKET, $XDG_RUNTIME_DIR/rbee/queen.sock)")
	return c
}

// workers are those of a running daemon; none if none runs. One that does not answer may have any model.
func (p *modelPlace) workers(ctx context.Context, socket string) ([]api.Worker, error) {
	s, err := p.cfg.env.Socket(socket)
	if err != nil {
		if s.Named {
			return nil, err
		}
		return nil, nil // no place that a daemon could be at
	}
	d, err := findDaemon(ctx, s)
	if err != nil || d == nil {
		return nil, err
	}
	defer d.Kill()
	ctx, stop := context.WithTimeout(ctx, daemonAnswer)
	defer stop()
	return api.NewClient(d.client).Workers(ctx)
}

func inUse(m models.Model, workers []api.Worker) error {
	for _, w := range workers {
		if w.Node == api.DefaultNode && slices.Contains(m.Files(), w.ModelPath) {
			return fault.New(fault.ModelInUse, "%s is in use: worker %s (pid %d, %s) has %s", m.Name, w.ID, w.PID, w.State, w.ModelPath).
				WithHint("wait until the daemon ends it, --keep-alive after its last answer, or stop the daemon").
				With("worker", w.Address).With("pid", w.PID).With("path", w.ModelPath)
		}
	}
	return nil
}
