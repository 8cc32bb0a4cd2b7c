package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rbee/internal/models"
	"rbee/internal/models/sources"
)

// modelPlace is where the commands look: this machine, as a request for localhost from here would see it, or the nodes
// of --node.
type modelPlace struct {
	t     *terminal
	parts parts
	cfg   *settings
	dir   string // --models-dir
	flags inferFlags
}

// caller is the command's own place, which relative paths belong to.
type caller struct{ cwd string }

func (p *modelPlace) callers() caller {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "" // a deleted folder: only relative paths need it
	}
	return caller{cwd}
}

// absolute makes a folder's path one that a queen can read.
func (c caller) absolute(dir string) string {
	if dir == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(c.cwd, dir)
}

func (p *modelPlace) env() (models.Env, error) {
	f, err := p.cfg.load()
	if err != nil {
		return models.Env{}, err
	}
	return models.Env{CWD: p.callers().cwd, ModelsDir: p.dir, Local: true, Getenv: p.t.getenv, Names: f.Models, Sources: sources.All(p.t.getenv)}, nil
}

func newModel(t *terminal, ps parts, cfg *settings) *cobra.Command {
	p := &modelPlace{t: t, parts: ps, cfg: cfg}
	group := &cobra.Command{
		Use:   "model",
		Short: "Pull, list, inspect, verify and delete models, here and on nodes",
		Long: `Models are files: those of the model directory, and, used in place and only read, what Hugging Face's cache,
llama.cpp, LM Studio and Ollama keep. There is no catalogue beside them: what is copied in is there, what is deleted is
gone.

With --node the question goes to nodes, all at once; without it this machine's disk is looked at and nothing is
started.`,
		Example: `  rbee model ls
  rbee model pull tinyllama --node mac,box
  rbee model info tinyllama --ctx 2048
  rbee model rm hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	fl := group.PersistentFlags()
	fl.SortFlags = false
	fl.StringVar(&p.dir, "models-dir", "", "where models are (default: $RBEE_MODELS_DIR, .test-models, the cache)")
	p.errandFlags(fl)
	group.AddCommand(newModelPull(p), newModelLs(p), newModelInfo(p), newModelVerify(p), newModelRm(p), newModelDu(p))
	for _, c := range group.Commands() {
		_ = c.RegisterFlagCompletionFunc("node", nodeList(ps, cfg)) // an error only if there were no such flag
	}
	return group
}

// oneModel refuses anything but one reference.
func oneModel(c *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usagef("%s takes one MODEL, and got %d", c.CommandPath(), len(args)).hint("rbee model ls lists them")
}

// writeJSON writes one object on one line.
func (p *modelPlace) writeJSON(v any) error {
	out := json.NewEncoder(p.t.stdout)
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
