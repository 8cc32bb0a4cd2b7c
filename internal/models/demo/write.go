package demo

import (
	"fmt"
	"os"
	"path/filepath"

	"rbee/internal/gguf"
)

// Name is how the model is asked for.
const Name = "demo"

// title is the model's own name; its number goes up with every change of the file.
const title = "rbee demo 1: a tiny hand-made llama"

// What the file is, on every machine.
const (
	Size   = 2292864 // bytes
	SHA256 = "5ef8f47faee36e03c677771b40842e30432e183f6df9f7c897a5bbbbff1b7c10"
)

// Write makes the file at path, and its folder (0700) if need be. Whoever looks sees no file or the whole file
// (0600): it is written aside and then moved into place, so any number of processes may do it at once.
func Write(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of the demo model: %w", err)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return fmt.Errorf("cannot write the demo model: %w", err)
	}
	_, err = f.Write(Bytes())
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("cannot write the demo model: %w", err)
	}
	return nil
}

// IsCurrent reports whether a header is that of the file this release writes.
func IsCurrent(h *gguf.Header) bool { return h.Name == title && h.FileSize == Size }
