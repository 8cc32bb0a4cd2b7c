package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/models/demo"
)

// Resolve finds the model that ref names and checks its header. Errors are *fault.Error with a MODEL_ code
// (INVALID_REQUEST when there is no model directory), or ctx's.
func Resolve(ctx context.Context, ref string, env Env) (*Model, error) {
	r, err := ParseRef(ref)
	if err != nil {
		return nil, err
	}
	m, err := find(ctx, r, env)
	if err != nil {
		return nil, err
	}
	m.Ref = ref
	if err := m.check(); err != nil {
		return nil, err
	}
	if r.SHA256 != "" {
		if err := m.verify(ctx, r.SHA256); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// find returns the model's place, unchecked.
func find(ctx context.Context, r Ref, env Env) (*Model, error) {
	if r.Kind == Path {
		return findPath(r, env)
	}
	dir, why, err := Dir(env)
	if err != nil {
		return nil, err
	}
	if r.Kind == Name && strings.EqualFold(r.Name, demo.Name) {
		return findDemo(r, dir)
	}
	// x.gguf alone: the caller's own file if there is one.
	if r.Kind == Name && gguf.IsModelFile(r.Name) && env.Local && filepath.IsAbs(env.CWD) {
		if _, err := os.Lstat(filepath.Join(env.CWD, r.Name)); err == nil {
			r.Path = r.Name
			return findPath(r, env)
		}
	}
	if r.Kind == Ollama {
		if m, err := env.findLocal(r); m != nil || err != nil {
			return m, err
		}
		return nil, noOllama(r, env)
	}
	m, err := findIn(dir, why, r, env)
	if fault.CodeOf(err) == fault.ModelNotFound {
		if m, err := env.findLocal(r); m != nil || err != nil {
			return m, err
		}
	}
	missing := fault.CodeOf(err) == fault.ModelNotFound || errors.Is(err, errIncomplete)
	if w, ok := env.want(r, dir); ok && missing && env.Fetcher != nil {
		if err := env.Fetcher.Fetch(ctx, w); err != nil {
			return nil, err
		}
		return findIn(dir, why, r, env)
	}
	return m, err
}

// errIncomplete is the cause when parts of a split model are missing: a fetch that was cut off between two parts
// goes on with the next.
var errIncomplete = errors.New("parts are missing")

// findDemo writes the built-in model on first use, and again when another release left another one.
func findDemo(r Ref, dir string) (*Model, error) {
	path := filepath.Join(dir, demo.Name, demo.Name+".gguf")
	folder := filepath.Dir(path)
	if _, err := os.Lstat(folder); err == nil && !inside(dir, folder) {
		return nil, leaves(r, dir, folder)
	}
	m := &Model{Name: demo.Name, Path: path, Source: "built in"}
	if h, err := gguf.Check(path); err == nil && demo.IsCurrent(h) {
		return m, nil
	}
	if err := demo.Write(path); err != nil {
		return nil, cannotWrite(path, err)
	}
	return m, nil
}

// findIn looks into the model directory.
func findIn(dir, why string, r Ref, env Env) (*Model, error) {
	known, _ := env.short(r)
	all, err := scanOnly(dir, env.folders(r, known))
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	fit := pick(r, known, all)
	if len(fit) == 0 {
		fit = env.pickShort(r, all)
	}
	for _, c := range fit {
		for _, path := range c.paths {
			if _, err := os.Stat(path); err == nil && !inside(dir, path) {
				return nil, leaves(r, dir, path)
			}
		}
	}
	switch {
	case len(fit) == 0:
		if all, err = scanAll(dir); err != nil {
			return nil, cannotRead(dir, err)
		}
		return nil, notFound(r, env, dir, why, all)
	case len(fit) > 1:
		return nil, ambiguous(r, fit)
	}
	return fit[0].model(fit[0].name(), "model directory ("+why+")")
}

// model is the candidate as a model, or MODEL_CORRUPT if parts are missing.
func (c candidate) model(name, source string) (*Model, error) {
	if len(c.missing) > 0 {
		return nil, fault.Wrap(fault.ModelCorrupt, errIncomplete, "model %s is incomplete: %d of %d files are there, missing: %s",
			name, len(c.paths), c.count, list(c.missing)).
			WithHint("put the missing files into %s", filepath.Dir(c.path())).
			With("path", c.path()).With("missing", c.missing)
	}
	m := &Model{Name: name, Path: c.path(), Source: source}
	if c.count > 1 {
		m.Parts = c.paths
	}
	return m, nil
}

// check looks at the header of every file.
func (m *Model) check() error {
	var whole gguf.Header
	for i, path := range m.files() {
		h, err := headers.check(path)
		if err != nil {
			return err
		}
		m.Size += h.FileSize
		if i == 0 {
			whole = *h
		} else {
			whole.AddPart(h)
		}
		if want := len(m.files()); max(h.SplitCount, 1) != want || h.SplitNo != i {
			return (&gguf.Corrupt{What: "metadata split.no and split.count", Expected: fmt.Sprintf("file %d of %d", i+1, want),
				Found: fmt.Sprintf("file %d of %d", h.SplitNo+1, max(h.SplitCount, 1))}).Fault(path)
		}
	}
	if whole.Tensors == 0 {
		return (&gguf.Corrupt{What: "number of tensors", Expected: "at least 1", Found: "0: a vocabulary without weights"}).Fault(m.Path)
	}
	m.Header = &whole
	return nil
}
