package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/ui"
	"rbee/supervisor"
)

func newPlan(t *terminal, p parts, cfg *settings) *cobra.Command {
	f := inferFlags{plan: true, stall: time.Minute, load: time.Minute}
	c := &cobra.Command{
		Use:   "plan --model MODEL",
		Short: "Say what rbee infer would do: node, file, device, memory, time; and do nothing",
		Long: `plan goes the way of a request without doing anything: it reaches the nodes, finds the model or looks it up, and
chooses the device. What it prints is what rbee infer does with the same flags, as long as nothing else changes.

What would fail is an error here too, with the same numbers.`,
		Example: `  rbee plan --model tinyllama
  rbee plan --model hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF --node mac,box --ctx 8192
  rbee plan --model demo --json | jq .needed`,
		Args: noArguments,
		RunE: func(c *cobra.Command, args []string) error {
			if err := cfg.pass(); err != nil {
				return err
			}
			i := newInference(t, p, cfg.env, f)
			i.out = &planned{out: i.stdout, json: f.json}
			return i.exit(i.run(promptSource{text: "plan", given: true}, func(prompt string) (api.GenerateRequest, error) {
				return i.flags.request(c, t, cfg, prompt)
			}))
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	f.placeFlags(fl)
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this time (default: none)")
	fl.DurationVar(&f.grace, "grace", api.DefaultGraceMS*time.Millisecond, "what a process gets to stop before it is killed")
	fl.DurationVar(&f.lease, "lease", supervisor.DefaultLease, "a process of the tree that is silent for so long is dead (default also: $RBEE_LEASE)")
	fl.BoolVar(&f.json, "json", false, "write one JSON object to stdout")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "only the plan, and errors")
	fl.StringVar(&f.queen, "queen", "", "use the queen at this socket, and no other (default: $RBEE_QUEEN)")
	fl.StringVar(&f.socket, "socket", "", "where to look for a daemon (default: $RBEE_SOCKET, $XDG_RUNTIME_DIR/rbee/queen.sock)")
	_ = c.RegisterFlagCompletionFunc("node", nodeList(p, cfg)) // an error only if there were no such flag
	return c
}

// planned writes a plan where an answer would be.
type planned struct {
	out  io.Writer
	json bool
}

func (p *planned) Tokens([]string) error { return nil }

func (p *planned) Done(_ string, d *api.Done) error {
	if d.Plan == nil {
		return nil
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(d.Plan)
	}
	_, err := io.WriteString(p.out, planText(d.Plan))
	return err
}

func (p *planned) Failed(_ string, f *api.Failure) error {
	if !p.json {
		return nil
	}
	return json.NewEncoder(p.out).Encode(struct {
		Error *fault.Error `json:"error"`
	}{f.Error})
}

func (p *planned) Stopped(api.Receipt) error { return nil }
func (p *planned) BreakLine() bool           { return false }

// planText is a plan for people. Its texts come from other machines.
func planText(p *api.Plan) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-8s %s\n", name, ui.Line(fmt.Sprintf(format, args...)))
	}
	line("node", "%s", p.Node)
	what := p.Model
	if p.Architecture != "" {
		what += ", " + strings.TrimSpace(p.Architecture+" "+p.Quantization)
	}
	line("model", "%s", what)
	line("file", "%s (%s)", p.File, fit.Bytes(p.Size))
	if p.Fetch > 0 {
		line("download", "%s", fit.Bytes(p.Fetch))
	}
	if p.Worker != "" {
		line("worker", "%s on %s, %s: no new one is started", p.Worker, p.Device, p.WorkerState)
		return b.String()
	}
	line("device", "%s", p.Device)
	for _, passed := range p.Passed {
		line("", "(%s)", passed)
	}
	if p.Architecture == "" {
		line("memory", "what it needs is known when it is there")
		return b.String()
	}
	line("context", "%d tokens, %d at the same time", p.Context, p.Slots)
	line("memory", "%s needed, %s free", fit.Bytes(p.Needed), fit.Bytes(p.Free))
	if p.DeviceNeeded > 0 {
		line("", "%s of %s needed, %s free", fit.Bytes(p.DeviceNeeded), p.Device, fit.Bytes(p.DeviceFree))
	}
	for _, w := range p.Stops {
		line("stops", "%s, which is idle, to make room", w)
	}
	line("load", "about %.1f s, and reading the file if it is not in memory yet", p.LoadMS/1000)
	return b.String()
}
