package main

import (
	"context"
	"fmt"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/internal/ui"
)

// verified is one file of a model, with --json one object.
type verified struct {
	File     string `json:"file"`
	SHA256   string `json:"sha256"`
	Expected string `json:"expected,omitempty"` // "" = nobody knows
	By       string `json:"by,omitempty"`       // who expects it
}

func newModelVerify(p *modelPlace) *cobra.Command {
	var asJSON, offline bool
	c := &cobra.Command{
		Use:   "verify MODEL",
		Short: "Compute a model's digest again, and compare it with what it should be",
		Long: `verify checks the header, reads every byte, and compares the SHA-256 digest with the one of the reference
(MODEL@sha256:...), of the cache the file is in, or of the hub that the model is from. If none of them knows it, the
digest is printed and nothing is claimed.`,
		Example: `  rbee model verify tinyllama
  rbee model verify tinyllama --offline`,
		Args: oneModel,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			env, err := p.env()
			if err != nil {
				return err
			}
			m, err := models.Resolve(ctx, args[0], env) // compares a digest of the reference
			if err != nil {
				return interrupted(ctx, err)
			}
			r, err := models.ParseRef(args[0])
			if err != nil {
				return err
			}
			var hub map[string]string
			if !offline && r.SHA256 == "" {
				if hub, err = hubDigests(ctx, args[0], env); err != nil {
					return interrupted(ctx, err)
				}
			}
			var wrong error
			for _, file := range m.Files() {
				v := verified{File: file}
				if v.SHA256, err = models.Digest(ctx, file); err != nil {
					return interrupted(ctx, err)
				}
				v.Expected, v.By = expected(file, r, hub)
				if err := p.tellVerified(v, asJSON); err != nil {
					return err
				}
				if v.Expected != "" && v.Expected != v.SHA256 && wrong == nil {
					wrong = fault.New(fault.ModelCorrupt, "%s has the SHA-256 digest %s, %s expects %s", file, v.SHA256, v.By, v.Expected).
						WithHint("delete it with rbee model rm, and get it again").With("path", file).With("expected", v.Expected).With("found", v.SHA256)
				}
			}
			return wrong
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "do not ask the hub")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a file")
	return c
}

func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Cancelled, "cancelled")
	}
	return err
}

func (p *modelPlace) tellVerified(v verified, asJSON bool) error {
	if asJSON {
		return p.writeJSON(v)
	}
	says := "nothing to compare it with"
	switch {
	case v.Expected == v.SHA256:
		says = "ok, as " + v.By + " has it"
	case v.Expected != "":
		says = "wrong"
	}
	_, err := fmt.Fprintf(p.t.stdout, "%s  %s: %s\n", v.SHA256, ui.Line(v.File), says)
	return err
}

// hubDigests are what the hub says of the files of a model, by where they are here; nil if it is not from the hub.
func hubDigests(ctx context.Context, ref string, env models.Env) (map[string]string, error) {
	w, err := models.WantOf(ref, env)
	if err != nil || w == nil {
		return nil, err
	}
	plan, err := fetch.New(fetch.Options{Getenv: env.Getenv}).Plan(ctx, *w)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, f := range plan.Files {
		all[f.Place] = f.SHA256
	}
	return all, nil
}

var blobName = regexp.MustCompile(`^(?:sha256-)?([0-9a-f]{64})$`)

// expected is the digest a file should have, and who says so. The caches of Hugging Face and Ollama name a file by it.
func expected(file string, r models.Ref, hub map[string]string) (digest, by string) {
	if r.SHA256 != "" {
		return r.SHA256, "the reference"
	}
	if d := hub[file]; d != "" {
		return d, "the hub"
	}
	blob := file
	if real, err := filepath.EvalSymlinks(file); err == nil {
		blob = real
	}
	if name := blobName.FindStringSubmatch(filepath.Base(blob)); name != nil {
		return name[1], "the name of its blob"
	}
	return "", ""
}
