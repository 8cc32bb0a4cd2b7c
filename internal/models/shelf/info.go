package shelf

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/fit/here"
	"rbee/internal/models"
)

// Info is what a model's header says, and what a worker on this machine's CPU would occupy with it.
type Info struct {
	Row
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

// Describe reads the header of the model that ref names, and nothing else. A context of 0 is the default one.
func Describe(ctx context.Context, ref string, env models.Env, context, slots int64) (Info, error) {
	m, err := models.Resolve(ctx, ref, env)
	if err != nil {
		return Info{}, err
	}
	h := m.Header
	load := fit.Load{Context: context, Slots: slots, CPU: here.CPU()}
	need := fit.Estimate(h, load).Host
	i := Info{Row: rowOf(*m), Files: m.Files(), Name: h.Name, Parameters: h.Parameters, Layers: h.Layers, Embedding: h.Embedding, Heads: h.Heads,
		KVHeads: h.KVHeads, Vocabulary: h.Vocabulary, Trained: h.Context, Template: h.ChatTemplate,
		Context: cmp.Or(context, fit.DefaultContext(h)), Slots: slots, Needs: need, Needed: need.Total(), Free: here.FreeMemory()}
	cpu := []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: here.TotalMemory(), FreeBytes: i.Free}}
	if _, err := fit.Choose(cpu[0], cpu, h, m.Name, load, fit.Anything); err != nil {
		i.Refused = fault.From(err)
	}
	return i, nil
}

// Lines are for people: a name and what it is. Its texts come from the file, and may hold anything.
func (i Info) Lines() (lines [][2]string) {
	line := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
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
	return lines
}

// String is Lines as they are, for tests and logs.
func (i Info) String() string {
	var b strings.Builder
	for _, l := range i.Lines() {
		fmt.Fprintf(&b, "%-12s %s\n", l[0], l[1])
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
