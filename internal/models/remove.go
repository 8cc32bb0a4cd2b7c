package models

import (
	"os"
	"path/filepath"
	"slices"

	"rbee/internal/fault"
	"rbee/internal/models/inuse"
)

// Files returns all files of the model, absolute.
func (m *Model) Files() []string { return slices.Clone(m.files()) }

// Remove deletes the model that ref names from the model directory, and its folder if nothing else is in it. Broken
// models go too; what other programs keep is theirs. allow is asked before anything is deleted, and may refuse.
func Remove(ref string, env Env, allow func(Model) error) (*Model, error) {
	r, err := ParseRef(ref)
	if err != nil {
		return nil, err
	}
	dir, why, err := Dir(env)
	if err != nil {
		return nil, err
	}
	all, err := scanAll(dir)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	fit, err := removable(r, dir, why, all, env)
	if err != nil {
		return nil, err
	}
	m := Model{Ref: ref, Name: fit.name(), Path: fit.path(), Parts: fit.paths, Source: "model directory (" + why + ")"}
	for _, path := range m.Parts {
		if info, err := os.Lstat(path); err == nil {
			m.Size += info.Size()
		}
	}
	if err := allow(m); err != nil {
		return nil, err
	}
	for _, path := range m.Parts {
		if inuse.Marked(path) {
			return nil, fault.New(fault.ModelInUse, "%s is in use: a worker of another run has %s", ref, path).
				WithHint("try again when its answer is over; rbee ps shows a daemon's workers").With("path", path)
		}
	}
	// The directory is opened once, and nothing outside of it can be reached through it: a link in it is deleted as a
	// link.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	defer root.Close()
	for _, path := range m.Parts {
		in, err := filepath.Rel(dir, path)
		if err == nil {
			err = root.Remove(in)
		}
		if err != nil {
			return nil, fault.Wrap(fault.ModelAccessDenied, err, "cannot delete %s: %v", path, err).
				WithHint("delete it as its owner").With("path", path)
		}
	}
	if fit.folder != "" {
		_ = root.Remove(fit.folder) // refused while there is something in it
	}
	return &m, nil
}

// removable picks the one model of the directory that r means.
func removable(r Ref, dir, why string, all []candidate, env Env) (candidate, error) {
	var fit []candidate
	if r.Kind == Path {
		path, err := env.absolute(r.Path)
		if err != nil {
			return candidate{}, err
		}
		for _, c := range all {
			if slices.Contains(c.paths, path) {
				fit = append(fit, c)
			}
		}
		if len(fit) == 0 {
			return candidate{}, fault.New(fault.ModelNotFound, "%s is no model of the model directory %s (%s)", path, dir, why).
				WithHint("delete other files by their own means").With("path", path)
		}
	} else {
		known, _ := env.short(r)
		if fit = pick(r, known, all); len(fit) == 0 {
			fit = env.pickShort(r, all)
		}
	}
	switch {
	case len(fit) > 1:
		return candidate{}, ambiguous(r, fit)
	case len(fit) == 1:
		return fit[0], nil
	}
	if m, err := env.findLocal(r); err == nil && m != nil {
		return candidate{}, fault.New(fault.ModelAccessDenied, "%s is in %s (%s), which is only read", clip(r.Text), m.Source, m.Path).
			WithHint("delete it with the program that put it there").With("path", m.Path)
	}
	return candidate{}, notFound(r, env, dir, why, all)
}
