package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rbee/deploy"
	"rbee/deploy/sshconn"
	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/ui"
)

// nodes is how machines are reached from here, by a person who may be asked for a passphrase.
func (s *settings) nodes(t *terminal) *deploy.Nodes {
	exe, _ := os.Executable() // without it nothing can be sent, which then is the error
	n := &deploy.Nodes{Config: func() (*config.File, error) { return s.load() }, Getenv: t.getenv, Executable: exe}
	if hasTerminal() {
		n.SSH.Passphrase = sshconn.Passphrase(func(file string) ([]byte, error) {
			return readSecret(context.Background(), fmt.Sprintf("passphrase for key %s: ", file))
		})
	}
	return n
}

func newNodeCheck(t *terminal, p parts, cfg *settings) *cobra.Command {
	var asJSON, send bool
	c := &cobra.Command{
		Use:   "check NAME",
		Short: "Look at a machine step by step: is it fit for an answer?",
		Long: `check goes the way that an answer goes, one step after another, and says what it found and how long it took. At
the first step that fails it says what to do. Nothing is left on the machine, unless --install sends what the first
use would send.`,
		Example: `  rbee node check mac
  rbee node check me@10.0.0.7:2222 --install`,
		Args: oneNode,
		RunE: func(c *cobra.Command, args []string) error {
			err := cfg.nodes(t).Check(c.Context(), args[0], send, func(s deploy.Step) {
				if asJSON {
					_ = json.NewEncoder(t.stdout).Encode(s)
					return
				}
				mark := "ok"
				text := s.Text
				if !s.OK {
					mark, text = "FAILED", s.Err.Message
				}
				fmt.Fprintf(t.stdout, "%-6s  %-9s %9s  %s\n", mark, s.Name, s.Took.Round(100*time.Microsecond), ui.Line(text))
			})
			if err != nil && asJSON {
				return exitError{1} // it is in the last line
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a step")
	c.Flags().BoolVar(&send, "install", false, "send rbee's programs there if they are missing")
	c.ValidArgsFunction = anyNode(p, cfg)
	return c
}

func newNodeDetect(t *terminal, p parts, cfg *settings) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "detect NAME",
		Short: "List what models can run on there: devices, memory, kinds of workers",
		Long: `detect asks the engine on a machine what it can run on, over all of its libraries that are installed there. rbee's programs are sent there if this build was never
used on it.`,
		Example: `  rbee node detect mac
  rbee node detect mac --json | jq '.devices[].id'`,
		Args: oneNode,
		RunE: func(c *cobra.Command, args []string) error {
			say := t.narrator(false)
			d, err := cfg.nodes(t).Detect(c.Context(), args[0], func(text string, progress float64) {
				kind := "start"
				if progress > 0 {
					kind = "load"
				}
				say.Say(api.Narration{Source: "bee-keeper", Kind: kind, Text: text, Progress: progress})
			})
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.stdout).Encode(d)
			}
			fmt.Fprintf(t.stdout, "%s %s\n", d.Engine, d.Release)
			for _, dev := range d.Devices {
				fmt.Fprintf(t.stdout, "%-10s %6.1f of %.1f GB free  %s\n", dev.ID, float64(dev.FreeBytes)/1e9, float64(dev.TotalBytes)/1e9, cell(dev.Description))
			}
			for _, s := range d.Sets {
				if s.Error != "" {
					fmt.Fprintf(t.stdout, "%-10s none: %s\n", cell(s.Backend), ui.Line(s.Error))
				}
			}
			for _, w := range d.Workers {
				if w.Error != "" {
					fmt.Fprintf(t.stdout, "no worker  %s: %s\n", cell(w.Program), cell(w.Error))
					continue
				}
				fmt.Fprintf(t.stdout, "worker     %s (%s, on %s)\n", cell(w.Name), cell(w.Engine), cell(strings.Join(w.Backends, ", ")))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	c.ValidArgsFunction = anyNode(p, cfg)
	return c
}
