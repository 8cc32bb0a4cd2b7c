package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/fit/here"
	"rbee/internal/models"
	"rbee/internal/ui"
)

// modelInfo is what rbee model info says with --json.
type modelInfo struct {
	modelRow
	Files      []string `json:"files"`
	Name       string   `json:"name,omitempty"` // as the file gives it
	Parameters int64    `json:"parameters"`
	Layers     int      `json:"layers"`
	Embedding  int      `json:"embedding"`
	Heads      int      `json:"heads"`
	KVHeads    int      `json:"kv_heads"`
	Vocabulary int      `json:"vocabulary"`
	Trained    int      `json:"context_trained"`
	Template   string   `json:"template,omitempty"`

	Context int64        `json:"context"` // what Needs is for, with Slots
	Slots   int64        `json:"slots"`
	Needs   fit.Part     `json:"needs"`
	Needed  int64        `json:"needed"`
	Free    int64        `json:"free"`
	Refused *fault.Error `json:"refused,omitempty"` // why it would not be started now
}

func newModelInfo(p *modelPlace) *cobra.Command {
	var asJSON bool
	var context, slots int64
	c := &cobra.Command{
		Use:   "info MODEL",
		Short: "Show what a model is and what it needs, from its header alone",
		Long: `info reads the header of a model's file and nothing else: what it is, and what a worker on this machine's CPU
would occupy with it. The memory that is free is compared as rbee infer compares it, but for the workers of a daemon.`,
		Example: `  rbee model info demo
  rbee model info tinyllama --ctx 2048 --slots 4 --json`,
		Args: oneModel,
		RunE: func(c *cobra.Command, args []string) error {
			if context < 0 || slots < 1 {
				return usagef("--ctx is %d and --slots is %d, allowed is 1 or more", context, slots)
			}
			env, err := p.env()
			if err != nil {
				return err
			}
			m, err := models.Resolve(c.Context(), args[0], env)
			if err != nil {
				return err
			}
			i := infoOf(m, context, slots)
			if asJSON {
				return p.writeJSON(i)
			}
			_, err = fmt.Fprint(p.t.stdout, i)
			return err
		},
	}
	c.Flags().Int64Var(&context, "ctx", 0, "context in tokens (default: what the model was trained for, 4096 at most)")
	c.Flags().Int64Var(&slots, "slots", 1, "answers at the same time")
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return c
}

func infoOf(m *models.Model, context, slots int64) modelInfo {
	h := m.Header
	load := fit.Load{Context: context, Slots: slots, CPU: here.CPU()}
	need := fit.Estimate(h, load).Host
	i := modelInfo{modelRow: rowOf(*m), Files: m.Files(), Name: h.Name, Parameters: h.Parameters, Layers: h.Layers, Embedding: h.Embedding, Heads: h.Heads,
		KVHeads: h.KVHeads, Vocabulary: h.Vocabulary, Trained: h.Context, Template: h.ChatTemplate,
		Context: cmp.Or(context, fit.DefaultContext(h)), Slots: slots, Needs: need, Needed: need.Total(), Free: here.FreeMemory()}
	cpu := []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: here.TotalMemory(), FreeBytes: i.Free}}
	if _, err := fit.Choose(cpu[0], cpu, h, m.Name, load, fit.Anything); err != nil {
		i.Refused = fault.From(err)
	}
	return i
}

// String is for people. Its texts come from the file.
func (i modelInfo) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, ui.Line(fmt.Sprintf(format, args...)))
	}
	line("model", "%s", cmp.Or(i.Name, i.Model))
	line("file", "%s (%s)", i.Path, fit.Bytes(i.Size))
	if n := len(i.Files); n > 1 {
		line("", "and %d more", n-1)
	}
	line("source", "%s", i.Source)
	line("architecture", "%s, %d layers of width %d, %d heads, %d for keys and values", i.Architecture, i.Layers, i.Embedding, i.Heads, i.KVHeads)
	line("parameters", "%s, %s", parameters(i.Parameters), cmp.Or(i.Quantization, "of mixed types"))
	line("vocabulary", "%d tokens", i.Vocabulary)
	line("context", "%d tokens", i.Trained)
	template := "none: a prompt is given as it is"
	if i.Template != "" {
		template = fmt.Sprintf("its own, %d characters", len([]rune(i.Template)))
	}
	line("template", "%s", template)
	line("memory", "%s with a context of %d tokens, %d at the same time (%s)", fit.Bytes(i.Needed), i.Context, i.Slots, i.Needs)
	if i.Refused == nil {
		line("fits", "yes: %s are free", fit.Bytes(i.Free))
	} else {
		line("fits", "no: %s are free; %s", fit.Bytes(i.Free), i.Refused.Hint)
	}
	return b.String()
}

// parameters is a count as models are called by: "1.1B".
func parameters(n int64) string {
	switch v := float64(n); {
	case v >= 1e9:
		return fmt.Sprintf("%.1fB", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	}
	return fmt.Sprint(n)
}
