package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"rbee/internal/models"
	"rbee/internal/models/sources"
)

// modelPlace is where the commands look: this machine, as a request for localhost from here would see it.
type modelPlace struct {
	t   *terminal
	cfg *settings
	dir string // --models-dir
}

func (p *modelPlace) env() (models.Env, error) {
	f, err := p.cfg.load()
	if err != nil {
		return models.Env{}, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "" // a deleted folder: only relative paths need it
	}
	return models.Env{CWD: cwd, ModelsDir: p.dir, Local: true, Getenv: p.t.getenv, Names: f.Models, Sources: sources.All(p.t.getenv)}, nil
}

func newModel(t *terminal, cfg *settings) *cobra.Command {
	p := &modelPlace{t: t, cfg: cfg}
	group := &cobra.Command{
		Use:   "model",
		Short: "List, inspect, verify and delete the models on this machine",
		Long: `Models are files: those of the model directory, and, used in place and only read, what Hugging Face's cache,
llama.cpp, LM Studio and Ollama keep. There is no catalogue beside them: what is copied in is there, what is deleted is
gone.`,
		Example: `  rbee model ls
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
	group.PersistentFlags().StringVar(&p.dir, "models-dir", "", "where models are (default: $RBEE_MODELS_DIR, .test-models, the cache)")
	group.AddCommand(newModelLs(p), newModelInfo(p), newModelVerify(p), newModelRm(p), newModelDu(p))
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
