package ggufwrite

import (
	"io"
	"os"
	"path/filepath"
)

// WriteFile writes a model to path (0600), and makes its folder (0700) if need be. Whoever looks there sees what
// was there before, or the whole new file. Any number of processes may do it at once, and on Linux one that is
// killed in the middle leaves nothing.
func WriteFile(path string, kvs []KV, tensors []Tensor) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	write := func(w io.Writer) error { return Write(w, kvs, tensors) }
	if done, err := writeUnnamed(path, write); done {
		return err
	}
	return writeAside(path, write)
}

// writeAside writes under another name and renames.
func writeAside(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), partial(path))
	if err != nil {
		return err
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// partial is a pattern for names that no catalogue takes for a model.
func partial(path string) string { return "." + filepath.Base(path) + ".*.partial" }
