package models

import (
	"path/filepath"
	"strings"
)

// pick returns the candidates that fit a reference. known is what a short name stands for, the zero Ref if nothing.
func pick(r, known Ref, all []candidate) []candidate {
	if r.Kind == Hub {
		return pickHub(r, all)
	}
	folder := FolderName(r)
	var fit []candidate
	for _, c := range all {
		if strings.EqualFold(c.folder, folder) || c.folder == "" && c.isFile(r.Name) {
			fit = append(fit, c)
		}
	}
	fit = prefer(fit, func(c candidate) bool { return c.name() == r.Name }) // two that differ in case only
	if known.Kind != Hub {
		return fit
	}
	if len(fit) == 0 { // fetched by its long name before
		fit = pickHub(known, all)
	}
	return prefer(fit, func(c candidate) bool { return c.fits(known) })
}

func pickHub(r Ref, all []candidate) []candidate {
	folder := FolderName(r)
	var fit []candidate
	for _, c := range all {
		if strings.EqualFold(c.folder, folder) && c.fits(r) {
			fit = append(fit, c)
		}
	}
	return fit
}

// pickShort returns the candidates that fit a place on the hub and were fetched by a short name for it.
func (e Env) pickShort(r Ref, all []candidate) []candidate {
	var fit []candidate
	for _, c := range all {
		known, ok := e.short(Ref{Kind: Name, Name: c.folder})
		if ok && FolderName(known) == FolderName(r) && known.File != "" && c.fits(known) && c.fits(r) {
			fit = append(fit, c)
		}
	}
	return fit
}

// fits reports whether the candidate is the file, or of the quantisation, that a place on the hub names.
func (c candidate) fits(r Ref) bool {
	return (r.Quant == "" || HasQuant(c.base, r.Quant)) && (r.File == "" || c.holds(FileName(r.File)))
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

// HasQuant reports whether a file's name carries the quantisation, in any case and as a word of its own: Q4_K is
// not Q4_K_M.
func HasQuant(file, quant string) bool {
	words := strings.FieldsFunc(file, func(r rune) bool { return r == '.' || r == '-' })
	for _, w := range words {
		if strings.EqualFold(w, quant) {
			return true
		}
	}
	return false
}
