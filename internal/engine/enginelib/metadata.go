package enginelib

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const metadataFile = "_nlcBuildMetadata.json"

// maxMetadata bounds what is read of a foreign file; the real ones have about 220 bytes.
const maxMetadata = 16 << 10

// build is what the libraries say about themselves.
type build struct {
	Release  string // "v0.4.0"
	Platform string // "linux", "mac", "win"
	Arch     string // "x64", "arm64"
	GPU      string // "" for none
}

func (b build) String() string {
	s := fmt.Sprintf("llama.cpp %s for %s-%s", b.Release, b.Platform, b.Arch)
	if b.GPU != "" {
		s += "-" + b.GPU
	}
	return s
}

// parseMetadata reads the JSON that the build left beside the libraries.
func parseMetadata(text []byte) (build, error) {
	var raw struct {
		BuildOptions struct {
			Platform string
			Arch     string
			GPU      any // false, or a name
			LlamaCpp struct{ Release string }
		}
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return build{}, fmt.Errorf("cannot read %s: %w", metadataFile, err)
	}
	o := raw.BuildOptions
	b := build{Release: o.LlamaCpp.Release, Platform: o.Platform, Arch: o.Arch}
	b.GPU, _ = o.GPU.(string)
	if b.Release == "" {
		return build{}, errors.New(metadataFile + " names no llama.cpp release")
	}
	return b, nil
}

// mismatch says why a folder cannot be used: what was found in it, in a few words.
type mismatch struct {
	dir   string
	found string
	empty bool // nothing of an engine is there at all
}

func (m *mismatch) Error() string { return fmt.Sprintf("%s: found %s", m.dir, m.found) }

// identify compares a folder with the pin: which of this platform's targets its metadata names, and that the names the
// binding opens lead to files. It reads 220 bytes and stats three names; nothing is loaded. The error is a *mismatch.
func identify(dir string, of []Target) (Target, error) {
	f, err := os.Open(filepath.Join(dir, metadataFile))
	if err != nil {
		found := "no " + metadataFile
		if !errors.Is(err, fs.ErrNotExist) {
			found = err.Error()
		} else if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			found = "no such folder"
		}
		return Target{}, &mismatch{dir: dir, found: found, empty: errors.Is(err, fs.ErrNotExist)}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMetadata))
	if err != nil {
		return Target{}, &mismatch{dir: dir, found: err.Error()}
	}
	b, err := parseMetadata(text)
	if err != nil {
		return Target{}, &mismatch{dir: dir, found: err.Error()}
	}
	i := slices.IndexFunc(of, func(t Target) bool { return b == build{Release, t.Platform, t.Arch, t.GPU} })
	if i < 0 {
		return Target{}, &mismatch{dir: dir, found: b.String()}
	}
	t := of[i]
	for _, name := range t.libraryNames() {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
			return Target{}, &mismatch{dir: dir, found: b.String() + " without " + name}
		}
	}
	return t, nil
}

// check is identify for a folder that must hold one target.
func check(dir string, t Target) error {
	_, err := identify(dir, []Target{t})
	return err
}
