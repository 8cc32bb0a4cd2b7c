package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fit"
	"rbee/internal/models/shelf"
	"rbee/internal/ui"
)

func newModelPull(p *modelPlace) *cobra.Command {
	var asJSON, push bool
	c := &cobra.Command{
		Use:   "pull MODEL",
		Short: "Bring a model onto nodes, so that the first answer need not wait for it",
		Long: `pull downloads a model from the Hugging Face hub to where rbee infer would: on this machine, or with --node on
others, all at the same time. What is there already is left as it is. A pull that is interrupted keeps what has come;
the next one goes on from there.

With --push nodes get this machine's copy over the line that rbee has to them, for nodes without internet; MODEL may then
be the path of a file here, and is called by that file's name there. It is resumed and verified as a download is.

A node that fails does not hold up the others; the exit code is then 1.`,
		Example: `  rbee model pull tinyllama
  rbee model pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF --node mac,box
  rbee model pull tinyllama --node any
  rbee model pull ./mine.gguf --push --node box`,
		Args: oneModel,
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("node") && p.flags.node == "" {
				return usagef("--node is empty, allowed is a node, several with commas, or any").hint("leave it out for the default")
			}
			e, err := p.newErrand(c, asJSON, api.DiskRequest{Do: api.DoPull, Model: args[0], Push: push})
			if err != nil {
				return err
			}
			e.atOnce = true
			e.show = func(node string, rows []json.RawMessage) error {
				return each(rows, func(r shelf.Pulled, raw json.RawMessage) error {
					if asJSON {
						return p.writeRow(node, raw)
					}
					format := "%s is on %s now: %s (%s)\n"
					if r.Fetched == 0 {
						format = "%s is on %s already: %s (%s)\n"
					}
					_, err := fmt.Fprintf(e.stdout, format, ui.Line(r.Model), ui.Line(node), ui.Line(r.Path), fit.Bytes(r.Size))
					return err
				})
			}
			return e.do()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a node")
	c.Flags().BoolVar(&push, "push", false, "send this machine's copy instead of having the node download it")
	return c
}

// each takes the rows of a node's answer apart.
func each[T any](rows []json.RawMessage, do func(T, json.RawMessage) error) error {
	for _, raw := range rows {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("cannot read what the node said: %w", err)
		}
		if err := do(v, raw); err != nil {
			return err
		}
	}
	return nil
}

// writeRow writes a node's row as it came, with the node in front.
func (p *modelPlace) writeRow(node string, raw json.RawMessage) error {
	name, err := json.Marshal(node)
	if err != nil {
		return err
	}
	line := append([]byte(`{"node":`), name...)
	if len(raw) > 2 {
		line = append(line, ',')
	}
	_, err = p.t.stdout.Write(append(append(line, raw[1:]...), '\n'))
	return err
}
