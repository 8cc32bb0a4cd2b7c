package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/fault"
	"rbee/internal/runlog"
	"rbee/internal/ui"
)

// followTime is how often a log that is followed is looked at.
const followTime = 200 * time.Millisecond

type logsFlags struct {
	run          string
	follow, list bool
	tail         int
}

func newLogs(t *terminal, cfg *settings) *cobra.Command {
	var f logsFlags
	c := &cobra.Command{
		Use:   "logs [-f] [WHAT]",
		Short: "Show what queen, hives and workers wrote to their logs",
		Long: `logs shows the newest run's log, all files in the order of their lines. WHAT picks those whose name begins so:
queen, hive, hive-mac, worker, worker-0.1. The files are on this machine, also those of hives and workers elsewhere, below
$XDG_STATE_HOME/rbee/logs.`,
		Example: `  rbee logs
  rbee logs -f worker
  rbee logs --runs`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("logs takes one WHAT, and got %d", len(args)).hint("for instance rbee logs worker")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.show(c, t, cfg, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			words := []string{"queen", "hive", "worker"}
			if r, err := f.pick(cfg); err == nil {
				words = append(words, r.Names()...)
			}
			slices.Sort(words)
			return slices.Compact(words), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on with what is written, until Ctrl-C")
	c.Flags().IntVarP(&f.tail, "tail", "n", 0, "only so many last lines (default: all)")
	c.Flags().StringVar(&f.run, "run", "", "of this run (default: the newest)")
	c.Flags().BoolVar(&f.list, "runs", false, "list the runs that have a log")
	return c
}

func (f *logsFlags) show(c *cobra.Command, t *terminal, cfg *settings, args []string) error {
	if f.tail < 0 {
		return usagef("--tail is %d, allowed is 0 or more", f.tail)
	}
	if f.list {
		return f.runs(t, cfg)
	}
	run, err := f.pick(cfg)
	if err != nil {
		return err
	}
	what := ""
	if len(args) == 1 {
		what = args[0]
	}
	if !slices.ContainsFunc(run.Names(), func(n string) bool { return strings.HasPrefix(n, what) }) && !f.follow {
		return fault.New(fault.NotFound, "run %s has no log of %q", run.ID, what).WithHint("it has %s", strings.Join(run.Names(), ", "))
	}
	r := run.Read(func(name string) bool { return strings.HasPrefix(name, what) })
	for first := true; ; first = false {
		lines, err := r.Next()
		if err != nil {
			return err
		}
		if first && f.tail > 0 {
			lines = lines[max(0, len(lines)-f.tail):]
		}
		for _, l := range lines {
			if _, err := fmt.Fprintf(t.stdout, "%s %s\n", l.Name, ui.Line(l.Text)); err != nil {
				return err
			}
		}
		if !f.follow {
			return nil
		}
		select {
		case <-time.After(followTime):
		case <-c.Context().Done():
			return nil
		}
	}
}

// pick is the run that was named, or the newest.
func (f *logsFlags) pick(cfg *settings) (runlog.Run, error) {
	runs, dir, err := allRuns(cfg)
	if err != nil {
		return runlog.Run{}, err
	}
	for _, r := range runs {
		if f.run == "" || strings.EqualFold(r.ID, f.run) {
			return r, nil
		}
	}
	return runlog.Run{}, fault.New(fault.NotFound, "there is no log of %s in %s", cmp.Or(f.run, "any run"), dir).
		WithHint("rbee logs --runs lists those that are there; a run that had nothing to say leaves none")
}

func allRuns(cfg *settings) ([]runlog.Run, string, error) {
	state, err := cfg.env.StateDir()
	if err != nil {
		return nil, "", err
	}
	dir := filepath.Join(state, "logs")
	runs, err := runlog.Runs(dir)
	return runs, dir, err
}

func (f *logsFlags) runs(t *terminal, cfg *settings) error {
	runs, _, err := allRuns(cfg)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "RUN\tLAST LINE\tOF")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s ago\t%s\n", r.ID, age(time.Since(r.Last)), strings.Join(r.Names(), ", "))
	}
	return w.Flush()
}
