package demo

import (
	"fmt"
	"os"
	"path/filepath"
)

// Name is how the model is asked for.
const Name = "demo"

// SHA256 is the digest of the file.
const SHA256 = "1fced273425cdaa6df3f69d70bf62b7a16d77bd22666a88735e792c6f0637382"

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
