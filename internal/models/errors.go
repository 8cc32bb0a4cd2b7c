package models

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rbee/internal/fault"
	"rbee/internal/models/demo"
)

// list joins names for a message: the first twenty, then a count.
func list(names []string) string {
	const most = 20
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	return strings.Join(names, ", ")
}

func notFound(r Ref, env Env, dir, why string, all []candidate) *fault.Error {
	there := []string{demo.Name}
	for _, c := range all {
		if !slices.Contains(there, c.name()) {
			there = append(there, c.name())
		}
	}
	e := fault.New(fault.ModelNotFound, "there is no model %s in %s (%s); there is: %s", clip(r.Text), dir, why, list(there)).
		With("directory", dir).With("models", there)
	if w, ok := env.want(r, dir); ok {
		file := w.File
		if file == "" {
			file = "a .gguf file"
		}
		return e.WithHint("let it be downloaded (leave --no-pull away), or put %s of %s/%s on the Hugging Face hub into %s", file, w.Org, w.Repo, filepath.Join(dir, w.Folder))
	}
	return e.WithHint("use one of these, a short name (%s), a model of the hub as hf:org/repo, or a path to a .gguf file", list(ShortNames(env)))
}

func noSuchPath(r Ref, path string, env Env) *fault.Error {
	e := fault.New(fault.ModelNotFound, "there is no model file %s", path).With("path", path)
	if p, err := ParseRef("hf:" + r.Path); err == nil && p.File == "" {
		e.WithHint("for a repository on the hub write hf:%s; a path is taken from %s", r.Path, env.CWD)
	} else {
		e.WithHint("check the path, or name a model instead (demo is always there)")
	}
	return e
}

func ambiguous(r Ref, fit []candidate) *fault.Error {
	var paths []string
	for _, c := range fit {
		paths = append(paths, c.path())
	}
	return fault.New(fault.ModelAmbiguous, "%s fits %d models: %s", clip(r.Text), len(fit), list(paths)).
		WithHint("give the path of one of them").With("candidates", paths)
}

func leaves(r Ref, dir, path string) *fault.Error {
	return fault.New(fault.ModelRefInvalid, "model %s is a link that leads out of the model directory %s", clip(r.Text), dir).
		WithHint("if you trust it, give its path: %s", path).With("path", path)
}

func cannotRead(dir string, err error) *fault.Error {
	return fault.Wrap(fault.ModelAccessDenied, err, "the model directory %s cannot be read: %v", dir, bare(err)).
		WithHint("make it readable, or give another one with --models-dir").With("path", dir)
}

func cannotWrite(path string, err error) *fault.Error {
	code := fault.ModelAccessDenied
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code = fault.DiskFull
	}
	return fault.Wrap(code, err, "cannot write %s (%d bytes): %v", path, demo.Size, bare(err)).
		WithHint("make room there, or give another model directory with --models-dir").With("path", path)
}

// bare strips the path that a message gives already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
