package models

import (
	"path/filepath"
	"strings"
)

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
