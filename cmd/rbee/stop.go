package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
)

func newStop(t *terminal, cfg *settings) *cobra.Command {
	var asJSON bool
	var grace time.Duration
	var s *runningQueen
	c := &cobra.Command{
		Use:   "stop MODEL|WORKER|NODE...",
		Short: "End a model's workers, one worker, or all of a node, and wait until they are gone",
		Long: `stop ends what it names on the running daemon, which goes on: the next request starts anew what it needs.
What is being answered is cancelled. Where a name means several things, say which: model:NAME, worker:NAME, node:NAME.

rbee queen stop ends the daemon itself.`,
		Example: `  rbee stop demo
  rbee stop mac/worker-0.1
  rbee stop node:mac`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("stop needs the name of a model, worker or node").hint("rbee ps shows what runs; rbee queen stop ends the daemon itself")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if most := api.MaxGraceMS * time.Millisecond; grace < 0 || grace > most {
				return usagef("--grace is %v, allowed is 0s to %v", grace, most)
			}
			d, err := s.find(c.Context())
			if err != nil {
				return err
			}
			defer d.Kill()
			return stopAll(c.Context(), t, api.NewClient(d.client), args, grace.Milliseconds(), asJSON)
		},
		ValidArgsFunction: completeRunning(&s),
	}
	c.Flags().DurationVar(&grace, "grace", api.DefaultGraceMS*time.Millisecond, "what a worker gets to stop before it is killed")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a name")
	s = newRunningQueen(t, cfg, c)
	return c
}

// stopAll goes on after a name that does not run; the error is the first one's.
func stopAll(ctx context.Context, t *terminal, c *api.Client, names []string, grace int64, asJSON bool) error {
	var first error
	for _, name := range names {
		began := time.Now()
		stopped, err := c.Stop(ctx, &api.StopRequest{Target: name, GraceMS: &grace})
		if err != nil {
			if first == nil {
				first = err
				continue
			}
			_ = t.exitCode(err) // says it; the code is the first one's
			continue
		}
		if asJSON {
			err = json.NewEncoder(t.stdout).Encode(stopped)
		} else {
			_, err = fmt.Fprintf(t.stdout, "stopped %s in %v\n", stoppedText(stopped), time.Since(began).Round(time.Millisecond))
		}
		if err != nil {
			return err
		}
	}
	return first
}

func stoppedText(s api.Stopped) string {
	text := fmt.Sprintf("%d workers", len(s.Workers))
	if len(s.Workers) == 1 {
		text = last(s.Workers[0])
	}
	if len(s.Nodes) > 0 {
		text = "the hive on " + s.Nodes[0] + ", and " + text
	}
	return text
}
