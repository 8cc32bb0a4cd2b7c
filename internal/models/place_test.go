package models

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/gguf/ggufwrite"
)

// place is a working directory with a model directory in it.
type place struct {
	t   *testing.T
	cwd string
	env Env
}

func newPlace(t *testing.T) *place {
	cwd := t.TempDir()
	dir := filepath.Join(cwd, testModels)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &place{t, cwd, Env{CWD: cwd, Local: true, Getenv: func(string) string { return "" }}}
}

// model writes a small good model at each path under the working directory.
func (p *place) model(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		p.part(path, 0, 1)
	}
}

func (p *place) part(path string, no, count int32) {
	p.t.Helper()
	err := ggufwrite.WriteFile(filepath.Join(p.cwd, path), []ggufwrite.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "split.no", Value: no}, {Key: "split.count", Value: count},
	}, []ggufwrite.Tensor{ggufwrite.Vector(fmt.Sprintf("t%d", no), make([]float32, 8))})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) write(path, content string) {
	p.t.Helper()
	path = filepath.Join(p.cwd, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) link(target, path string) {
	p.t.Helper()
	if err := os.Symlink(target, filepath.Join(p.cwd, path)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) resolve(ref string) (*Model, *fault.Error) {
	p.t.Helper()
	m, err := Resolve(context.Background(), ref, p.env)
	if err == nil {
		return m, nil
	}
	return nil, fault.From(err)
}

// finds fails unless the reference leads to the path.
func (p *place) finds(ref, path string) *Model {
	p.t.Helper()
	m, err := p.resolve(ref)
	if err != nil {
		p.t.Errorf("%s: %s: %v (%s)", ref, err.Code, err, err.Hint)
		return &Model{}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.cwd, path)
	}
	if m.Path != path || m.Ref != ref || m.Header == nil || m.Size == 0 || m.Name == "" || m.Source == "" {
		p.t.Errorf("%s: %+v, want %s", ref, m, path)
	}
	return m
}

// refuses fails unless resolving gives that code and the message and hint say all of it.
func (p *place) refuses(ref string, code fault.Code, says ...string) {
	p.t.Helper()
	m, err := p.resolve(ref)
	if err == nil {
		p.t.Errorf("%s: found %s", ref, m.Path)
		return
	}
	if err.Code != code {
		p.t.Errorf("%s: %s: %v", ref, err.Code, err)
	}
	for _, s := range says {
		if !strings.Contains(err.Message+" | "+err.Hint, s) {
			p.t.Errorf("%s: %q (%q) does not say %q", ref, err.Message, err.Hint, s)
		}
	}
}
