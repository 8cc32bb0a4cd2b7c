package models

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gguf"
)

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
