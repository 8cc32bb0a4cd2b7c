package models

import (
	"context"
	"slices"

	"rbee/internal/fault"
	"rbee/internal/gguf"
)

// Source is a place where another program keeps models. It is only read.
type Source interface {
	// Find returns the models there that a reference of the kind Hub or Ollama means.
	Find(r Ref) []Local
	// List returns all models there.
	List() []Local
}

// Local is a model in a Source.
type Local struct {
	Ref    string   // a reference that means it
	Base   string   // its name for people, and where its quantisation is looked for
	Source string   // which place: "Hugging Face cache (/home/u/.cache/huggingface/hub)"
	Root   string   // its files lie below, all links followed
	Paths  []string // absolute, in order; of a split model those that are there
	Count  int      // files it should have
}

// Group puts files, given by their absolute paths in order, together to models. Files that are none, and
// projectors, are left out. name is a file's name as people know it.
func Group(paths []string, name func(path string) string) []Local {
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		return !gguf.IsModelFile(name(p)) || IsProjector(name(p))
	})
	var all []Local
	for _, g := range gguf.GroupFiles(paths, name) {
		all = append(all, Local{Base: g.Base, Paths: g.Files, Count: g.Count})
	}
	return all
}

// findLocal looks where other programs keep models. A nil model without error: nowhere.
func (e Env) findLocal(r Ref) (*Model, error) {
	if r.Kind == Name {
		known, ok := e.short(r)
		if !ok {
			return nil, nil
		}
		known.Text = r.Text
		r = known
	}
	for _, s := range e.Sources {
		var fit []Local
		for _, l := range s.Find(r) {
			if len(l.Paths) == l.Count && l.inside() {
				fit = append(fit, l)
			}
		}
		if len(fit) > 1 && r.Quant == "" && r.File == "" { // the same choice as a download would make
			fit = preferLocal(fit)
		}
		switch len(fit) {
		case 0:
			continue
		case 1:
			return fit[0].model(), nil
		}
		var paths []string
		for _, l := range fit {
			paths = append(paths, l.Paths[0])
		}
		return nil, fault.New(fault.ModelAmbiguous, "%s fits %d models: %s", clip(r.Text), len(fit), list(paths)).
			WithHint("name a quantisation or a file").With("candidates", paths)
	}
	return nil, nil
}

// Preferred is the quantisation that is taken when a repository has several and the reference names none.
const Preferred = "Q4_K_M"

func preferLocal(all []Local) []Local {
	var fit []Local
	for _, l := range all {
		if HasQuant(l.Base, Preferred) {
			fit = append(fit, l)
		}
	}
	if len(fit) > 0 {
		return fit
	}
	return all
}

// inside: a cache's links stay in the cache. One that leads out was not made by the program whose cache it is.
func (l Local) inside() bool {
	for _, p := range l.Paths {
		if !inside(l.Root, p) {
			return false
		}
	}
	return true
}

func (l Local) model() *Model {
	m := &Model{Name: l.Base, Path: l.Paths[0], Source: l.Source}
	if l.Count > 1 {
		m.Parts = l.Paths
	}
	return m
}

// listLocal returns the models of all sources for a list; broken ones say so.
func (e Env) listLocal(ctx context.Context) (found []Model, err error) {
	for _, s := range e.Sources {
		for _, l := range s.List() {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m := l.model()
			m.Ref = l.Ref
			switch {
			case len(l.Paths) != l.Count:
				m.Broken = fault.Wrap(fault.ModelCorrupt, errIncomplete, "model %s is incomplete: %d of %d files are there", l.Base, len(l.Paths), l.Count).
					WithHint("let the program that put it there finish its download").With("path", m.Path)
			case !l.inside():
				m.Broken = leaves(Ref{Text: l.Ref}, l.Root, m.Path)
			default:
				m.Broken = m.check()
			}
			found = append(found, *m)
		}
	}
	return found, nil
}

func noOllama(r Ref, env Env) error {
	var there []string
	for _, s := range env.Sources {
		for _, l := range s.List() {
			if k, err := ParseRef(l.Ref); err == nil && k.Kind == Ollama {
				there = append(there, l.Ref)
			}
		}
	}
	e := fault.New(fault.ModelNotFound, "Ollama has no model %s on this machine; it has: %s", clip(r.Text), list(there)).With("models", there)
	if len(there) == 0 {
		e.Message = "Ollama has no model " + clip(r.Text) + " on this machine, and no other"
	}
	return e.WithHint("get it with Ollama first, or name a model of the hub as hf:org/repo")
}
