package bundle

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Make packs parts into <dir>/<platform>.tar.gz, with <platform>.json beside it, and returns the bundle. build is
// the version.Build of the programs. An older bundle of the same name is replaced.
func Make(dir string, p Platform, build string, parts Parts) (Bundle, error) {
	all, err := members(parts)
	if err != nil {
		return Bundle{}, err
	}
	return store(dir, p, build, all, func(Bundle) string { return p.File() }, p.File())
}

// store packs into a draft and publishes it: who reads the manifest finds the whole bundle. name chooses the bundle's
// file once its ID is known.
func store(dir string, p Platform, build string, all []member, name func(Bundle) string, manifest string) (b Bundle, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Bundle{}, err
	}
	f, err := newDraft(dir)
	if err != nil {
		return Bundle{}, err
	}
	defer f.close()
	b = Bundle{Platform: p.plain(), Build: build}
	for _, m := range all {
		if m.path != "" {
			b.Files++
		}
	}
	if b.ID, b.Size, b.Packed, err = pack(f.File, all); err != nil {
		return Bundle{}, err
	}
	b.Path = filepath.Join(dir, name(b)+".tar.gz")
	if err := f.publish(b.Path); err != nil {
		return Bundle{}, err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return Bundle{}, err
	}
	return b, replaceFile(filepath.Join(dir, manifest+".json"), append(text, '\n'))
}

// replaceFile writes a small file so that readers see the old one or the new one.
func replaceFile(path string, text []byte) error {
	f, err := newDraft(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer f.close()
	if _, err = f.Write(text); err != nil {
		return err
	}
	return f.publish(path)
}

// maxManifest bounds what is read of a manifest; a real one has 250 bytes.
const maxManifest = 16 << 10

var hexID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// readManifest reads what store wrote and checks that the bundle it speaks of can be the one beside it.
func readManifest(path string, file func(Bundle) string) (Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return Bundle{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return Bundle{}, err
	}
	var b Bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return Bundle{}, fmt.Errorf("%s: %w", path, err)
	}
	if !hexID.MatchString(b.ID) || b.Size <= 0 || b.Packed <= 0 || b.Files <= 0 {
		return Bundle{}, fmt.Errorf("%s: not the description of a bundle", path)
	}
	b.Path = filepath.Join(filepath.Dir(path), file(b)+".tar.gz")
	info, err := os.Stat(b.Path)
	if err != nil {
		return Bundle{}, err
	}
	if info.Size() != b.Packed {
		return Bundle{}, fmt.Errorf("%s has %d bytes, it should have %d", b.Path, info.Size(), b.Packed)
	}
	return b, nil
}
