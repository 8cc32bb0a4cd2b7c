package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/models/shelf"
	"rbee/internal/ui"
)

func newModelRm(p *modelPlace) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "rm MODEL...",
		Aliases: []string{"remove"},
		Short:   "Delete models of the model directory",
		Long: `rm deletes the files of models in the model directory, and the folder of each if nothing else is in it. What
other programs keep is not touched. A model that a worker of the running daemon has is not deleted either.`,
		Example: `  rbee model rm tinyllama
  rbee model rm tinyllama --node mac,box`,
		ValidArgsFunction: completeModels(p.t, p.cfg),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("MODEL is missing").hint("rbee model ls lists them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			there, err := p.elsewhere(c)
			if err != nil {
				return err
			}
			if there {
				return p.removeFromNodes(c, asJSON, unique(args))
			}
			env, err := p.env()
			if err != nil {
				return err
			}
			workers, err := p.workers(c.Context())
			if err != nil {
				return err
			}
			for _, ref := range unique(args) {
				r, err := shelf.Remove(ref, env, func(model string, files []string) error { return inUse(model, files, workers) })
				if err != nil {
					return err
				}
				if asJSON {
					err = p.writeJSON(r)
				} else {
					_, err = fmt.Fprintf(p.t.stdout, "deleted %s: %s (%s)\n", ui.Line(ref), ui.Line(r.Files[0]), fit.Bytes(r.Freed))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a model")
	return c
}

// removeFromNodes deletes one model after the other, each on all nodes.
func (p *modelPlace) removeFromNodes(c *cobra.Command, asJSON bool, refs []string) error {
	if len(refs) > 1 {
		return usagef("with --node one MODEL is deleted at a time, and %d are named", len(refs)).hint("name them one after the other")
	}
	e, err := p.newErrand(c, asJSON, api.DiskRequest{Do: api.DoRemove, Model: refs[0]})
	if err != nil {
		return err
	}
	e.atOnce = true
	e.show = func(node string, rows []json.RawMessage) error {
		return each(rows, func(r shelf.Removed, raw json.RawMessage) error {
			if asJSON {
				return p.writeRow(node, raw)
			}
			if len(r.Files) == 0 {
				return errors.New("the node does not say what it deleted")
			}
			_, err := fmt.Fprintf(e.stdout, "deleted %s on %s: %s (%s)\n", ui.Line(r.Model), ui.Line(node), ui.Line(r.Files[0]), fit.Bytes(r.Freed))
			return err
		})
	}
	return e.do()
}

// workers are those of a running daemon; none if none runs. One that does not answer may have any model.
func (p *modelPlace) workers(ctx context.Context) ([]api.Worker, error) {
	s, err := p.cfg.env.Socket(p.flags.socket)
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

func inUse(model string, files []string, workers []api.Worker) error {
	for _, w := range workers {
		if w.Node == api.DefaultNode && slices.Contains(files, w.ModelPath) {
			return fault.New(fault.ModelInUse, "%s is in use: worker %s (pid %d, %s) has %s", model, w.ID, w.PID, w.State, w.ModelPath).
				WithHint("wait until the daemon ends it, --keep-alive after its last answer, or stop the daemon").
				With("worker", w.Address).With("pid", w.PID).With("path", w.ModelPath)
		}
	}
	return nil
}
