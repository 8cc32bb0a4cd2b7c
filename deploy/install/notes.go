package install

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// note is what a visit learnt about a node, so that the next one can start a hive there without asking. A stale one
// costs a failed start and a probe; it is never trusted further.
type note struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	Dir  string `json:"dir"`           // the place that worked
	For  string `json:"for,omitempty"` // the cache_dir configured then: with another one the note says nothing
}

// notes are small files, <cache>/nodes/<name>.json. The zero value keeps nothing.
type notes struct{ cache string }

const maxNote = 4 << 10

func (n notes) file(node string) string {
	return filepath.Join(n.cache, "nodes", safeName(node)+".json")
}

// safeName is a file name that no two nodes have in common: the node's name where that is an ordinary one, else what
// is ordinary of it and a digest.
func safeName(node string) string {
	ordinary := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return '_'
	}, node)
	if ordinary == node && node != "" && node[0] != '.' && len(node) <= 64 {
		return node
	}
	sum := sha256.Sum256([]byte(node))
	return "_" + ordinary[:min(len(ordinary), 40)] + "_" + hex.EncodeToString(sum[:8])
}

// recall returns the note about a node; the zero note if there is none that can be used.
func (n notes) recall(node, cacheDir string) note {
	if n.cache == "" {
		return note{}
	}
	f, err := os.Open(n.file(node))
	if err != nil {
		return note{}
	}
	defer f.Close()
	var found note
	text, err := io.ReadAll(io.LimitReader(f, maxNote))
	if err != nil || json.Unmarshal(text, &found) != nil {
		return note{}
	}
	if found.For != cacheDir || !usable(found.Dir) || !word.MatchString(found.OS) || !word.MatchString(found.Arch) {
		return note{}
	}
	return found
}

// keep replaces the note about a node.
func (n notes) keep(node string, v note) (err error) {
	if n.cache == "" {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	dir := filepath.Join(n.cache, "nodes")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".note-*.partial") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), n.file(node))
}

// dirOf is the inverse of HivePath.
func dirOf(hive string) string { return path.Join(path.Dir(hive), "../../..") }
