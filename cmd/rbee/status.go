package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/models"
	"rbee/internal/version"
)

// state is what rbee status says: of the queen, and of what a request from here would find on this machine.
type state struct {
	Version string       `json:"version"`
	Socket  string       `json:"socket"`
	Queen   *api.Version `json:"queen"` // null = none runs
	Running *snapshot    `json:"running,omitempty"`
	Config  string       `json:"config"`
	Engine  string       `json:"engine,omitempty"` // its folder
	Problem *fault.Error `json:"engine_problem,omitempty"`
	Models  int          `json:"models"`
	Bytes   int64        `json:"models_bytes"`
}

func newStatus(t *terminal, cfg *settings) *cobra.Command {
	var asJSON bool
	var s *runningQueen
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what there is: the queen, what runs, config, engine, models",
		Long: `status says whether a queen runs and what it has, which config file counts, whether this machine has the engine,
and how many models it has. It exits 0 also when no queen runs; rbee queen status tells the two apart.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			now, err := takeState(c.Context(), t, cfg, s)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.stdout).Encode(now)
			}
			return now.write(t)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	s = newRunningQueen(t, cfg, c)
	return c
}

func takeState(ctx context.Context, t *terminal, cfg *settings, s *runningQueen) (*state, error) {
	now := &state{Version: version.Build()}
	d, socket, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	now.Socket = socket.Path
	if d != nil {
		defer d.Kill()
		running, err := takeSnapshot(ctx, api.NewClient(d.client))
		if err != nil {
			return nil, err
		}
		now.Queen, now.Running = &d.version, &running
	}
	source, err := cfg.env.ConfigFile(cfg.file)
	if err != nil {
		return nil, err
	}
	now.Config = source.Path
	if now.Engine, err = findEngine(t); err != nil {
		now.Problem = fault.From(err)
	}
	here := modelPlace{t: t, cfg: cfg}
	env, err := here.env()
	if err != nil {
		return nil, err
	}
	all, err := models.List(ctx, env)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		now.Models++
		now.Bytes += m.Size
	}
	return now, nil
}

func (s *state) write(t *terminal) error {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 2, ' ', 0)
	queen := "none runs; rbee infer starts one for each answer, rbee queen start one that stays"
	if q := s.Queen; q != nil {
		queen = fmt.Sprintf("pid %d, up %s, at %s", q.PID, age(time.Since(q.Started)), s.Socket)
	}
	fmt.Fprintf(w, "rbee\t%s\n", s.Version)
	fmt.Fprintf(w, "queen\t%s\n", queen)
	if s.Running != nil {
		fmt.Fprintf(w, "running\t%s\n", s.Running.totals())
	}
	fmt.Fprintf(w, "config\t%s\n", s.Config)
	if s.Problem != nil {
		fmt.Fprintf(w, "engine\t%s; %s\n", s.Problem.Message, s.Problem.Hint)
	} else {
		fmt.Fprintf(w, "engine\t%s\n", s.Engine)
	}
	fmt.Fprintf(w, "models\t%s here, %s\n", plural(s.Models, "model"), fit.Bytes(s.Bytes))
	return w.Flush()
}
