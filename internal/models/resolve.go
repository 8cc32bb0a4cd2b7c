package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	m, err := findIn(dir, why, r)
	if env.Fetcher != nil && fault.CodeOf(err) == fault.ModelNotFound && r.fetchable() {
		if err := env.Fetcher.Fetch(ctx, r, dir); err != nil {
			return nil, err
		}
		return findIn(dir, why, r)
	}
	return m, err
}

// fetchable: it is known where on the hub the model is.
func (r Ref) fetchable() bool {
	_, known := table[strings.ToLower(r.Name)]
	return r.Kind == Hub || known
}

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

// findPath takes the user's word for the place, whatever links are on the way.
func findPath(r Ref, env Env) (*Model, error) {
	path, err := env.absolute(r.Path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSuchPath(r, path, env)
	}
	if err == nil && info.IsDir() {
		return onlyOne(r, path)
	}
	dir, file := filepath.Split(path)
	m := &Model{Name: strings.TrimSuffix(file, filepath.Ext(file)), Path: path, Source: "path"}
	base, _, count, split := gguf.ParseSplit(file)
	if !split {
		return m, nil // gguf.Check says what is wrong with any other error
	}
	candidates, err := scan(dir)
	if err != nil {
		return m, nil // a folder that may be entered but not listed: the file alone then
	}
	for _, c := range candidates {
		if c.base == base && c.count == count {
			return c.model(base, "path")
		}
	}
	return m, nil
}

// onlyOne is a path that names a folder: fine if one model is in it.
func onlyOne(r Ref, dir string) (*Model, error) {
	in, err := scan(dir)
	switch {
	case err != nil:
		return nil, cannotRead(dir, err)
	case len(in) == 0:
		return nil, fault.New(fault.ModelCorrupt, "%s is not a usable GGUF model: expected a file, found a folder without .gguf files", dir).
			WithHint("name a .gguf file").With("path", dir)
	case len(in) > 1:
		return nil, ambiguous(r, in)
	}
	return in[0].model(filepath.Base(dir), "path")
}

// findIn looks into the model directory.
func findIn(dir, why string, r Ref) (*Model, error) {
	all, err := scanAll(dir)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	fit := pick(r, all)
	for _, c := range fit {
		for _, path := range c.paths {
			if _, err := os.Stat(path); err == nil && !inside(dir, path) {
				return nil, leaves(r, dir, path)
			}
		}
	}
	switch {
	case len(fit) == 0:
		return nil, notFound(r, dir, why, all)
	case len(fit) > 1:
		return nil, ambiguous(r, fit)
	}
	return fit[0].model(fit[0].name(), "model directory ("+why+")")
}

// pick returns the candidates that fit a reference.
func pick(r Ref, all []candidate) []candidate {
	folder := FolderName(r)
	known := table[strings.ToLower(r.Name)] // of a Hub reference, whose Name is "", nothing
	var fit []candidate
	for _, c := range all {
		if r.Kind == Hub && strings.EqualFold(c.folder, folder) && (r.Quant == "" || c.matches(r.Quant)) &&
			(r.File == "" || c.holds(r.File)) {
			fit = append(fit, c)
		}
		if r.Kind == Name && (strings.EqualFold(c.folder, folder) || c.folder == "" && c.isFile(r.Name)) {
			fit = append(fit, c)
		}
	}
	if r.Kind == Name {
		fit = prefer(fit, func(c candidate) bool { return c.name() == r.Name }) // two that differ in case only
	}
	if known.file == "" {
		return fit
	}
	if len(fit) == 0 { // fetched by its long name before
		fit = pick(Ref{Kind: Hub, Org: known.org, Repo: known.repo, File: known.file}, all)
	}
	return prefer(fit, func(c candidate) bool { return c.holds(known.file) })
}

// prefer narrows the candidates to those that are wanted most, if there are any.
func prefer(all []candidate, wanted func(candidate) bool) []candidate {
	var w []candidate
	for _, c := range all {
		if wanted(c) {
			w = append(w, c)
		}
	}
	if len(w) > 0 {
		return w
	}
	return all
}

// holds reports whether the candidate has a file of that name.
func (c candidate) holds(file string) bool {
	for _, p := range c.paths {
		if strings.EqualFold(filepath.Base(p), file) {
			return true
		}
	}
	return false
}

// isFile reports whether a name means this file, with or without its end.
func (c candidate) isFile(name string) bool {
	return strings.EqualFold(c.base, name) || c.holds(name)
}

// model is the candidate as a model, or MODEL_CORRUPT if parts are missing.
func (c candidate) model(name, source string) (*Model, error) {
	if len(c.missing) > 0 {
		return nil, fault.New(fault.ModelCorrupt, "model %s is incomplete: %d of %d files are there, missing: %s",
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
			whole.Tensors += h.Tensors
			whole.TensorBytes += h.TensorBytes
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
