package models

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// top is what is right in a model directory, by name. Whatever comes, goes or is renamed there changes the
// directory's own time; what happens in a folder does not, so that is looked at each time.
type top struct {
	changed time.Time
	files   []string            // not folders
	folders map[string][]string // lower case -> as written; links that may lead to a folder are among them
}

// tops remembers model directories: a hive resolves a model for every request, and a directory may have a thousand.
var tops = topCache{read: map[string]top{}}

type topCache struct {
	mu   sync.Mutex
	read map[string]top
}

const maxTops = 16 // more model directories than any node has; then it starts afresh

func (c *topCache) look(dir string) (top, error) {
	before, err := os.Stat(dir)
	if err != nil {
		return top{}, err
	}
	c.mu.Lock()
	t, ok := c.read[dir]
	c.mu.Unlock()
	if ok && t.changed.Equal(before.ModTime()) {
		return t, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return top{}, err
	}
	t = top{changed: before.ModTime(), folders: map[string][]string{}}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || e.Type()&os.ModeSymlink != 0 {
			t.folders[strings.ToLower(name)] = append(t.folders[strings.ToLower(name)], name)
		}
		if !e.IsDir() {
			t.files = append(t.files, name)
		}
	}
	if time.Since(before.ModTime()) > settled { // else it may change again within one tick of its clock
		c.mu.Lock()
		if len(c.read) >= maxTops {
			clear(c.read)
		}
		c.read[dir] = t
		c.mu.Unlock()
	}
	return t, nil
}

// scanOnly is scanAll, but of the folders it looks only into those of the given names, in any case.
func scanOnly(dir string, names []string) ([]candidate, error) {
	t, err := tops.look(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := group(dir, t.files)
	var folders []string
	for _, n := range names {
		folders = append(folders, t.folders[strings.ToLower(n)]...)
	}
	slices.Sort(folders)
	for _, name := range slices.Compact(folders) {
		if strings.HasPrefix(name, ".") {
			continue
		}
		in, err := scan(filepath.Join(dir, name))
		if err != nil {
			continue // what may not be read, or is no folder, holds nothing for us
		}
		for _, c := range in {
			c.folder = name
			all = append(all, c)
		}
	}
	return all, nil
}

// folders returns the names of the folders that a model could be in.
func (e Env) folders(r, known Ref) []string {
	names := []string{FolderName(r)}
	if known.Kind == Hub {
		names = append(names, FolderName(known))
	}
	if r.Kind == Hub { // it may have been fetched by a short name
		for _, short := range e.shorts() {
			if s, ok := e.short(Ref{Kind: Name, Name: short}); ok && FolderName(s) == FolderName(r) {
				names = append(names, short)
			}
		}
	}
	return names
}
