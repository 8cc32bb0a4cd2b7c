package models

import (
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/gguf"
)

// candidate is a model as file names show it: nothing is opened yet.
type candidate struct {
	folder  string   // name of its folder in the model directory; "" for a file right in it
	base    string   // file name without its end, and without the part of a split
	paths   []string // its files, in order; of a split model those that are there
	count   int      // files it should have
	missing []string // names of the parts that are not there
}

// name is what people call it: the folder where that is enough.
func (c candidate) name() string {
	if c.folder != "" {
		return c.folder
	}
	return c.base
}

// path is the file to load.
func (c candidate) path() string { return c.paths[0] }

// scan returns the models right in a folder, by name. Hidden files, and projectors that only go with a model
// (mmproj-*), are none.
func scan(dir string) ([]candidate, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, e.Name())
		}
	}
	return group(dir, files), nil
}

// group puts the files of a folder together to models.
func group(dir string, files []string) []candidate {
	var models []string
	for _, file := range files {
		if gguf.IsModelFile(file) && !strings.HasPrefix(file, ".") && !IsProjector(file) {
			models = append(models, file)
		}
	}
	var found []candidate
	for _, g := range gguf.GroupFiles(models, func(file string) string { return file }) {
		c := candidate{base: g.Base, count: g.Count}
		there := map[int]bool{}
		for _, file := range g.Files {
			_, part, _, _ := gguf.ParseSplit(file)
			there[max(part, 1)] = true
			c.paths = append(c.paths, filepath.Join(dir, file))
		}
		for part := 1; part <= g.Count; part++ {
			if !there[part] {
				c.missing = append(c.missing, gguf.SplitName(g.Base, part, g.Count))
			}
		}
		found = append(found, c)
	}
	return found
}

// IsProjector reports whether a file is the projector that goes with a model that sees (mmproj-*), and no model.
func IsProjector(file string) bool { return strings.Contains(strings.ToLower(file), "mmproj") }

// scanAll returns everything in the model directory: the files right in it, then its folders'. A directory that
// does not exist holds nothing.
func scanAll(dir string) ([]candidate, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := scan(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !isFolder(dir, e) {
			continue
		}
		in, err := scan(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // a folder that may not be read holds nothing for us
		}
		for _, c := range in {
			c.folder = e.Name()
			all = append(all, c)
		}
	}
	return all, nil
}

// isFolder also follows a link.
func isFolder(dir string, e os.DirEntry) bool {
	if e.IsDir() {
		return true
	}
	if e.Type()&os.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// inside reports whether path, all links followed, lies in dir, all links followed.
func inside(dir, path string) bool {
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	realPath, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(realDir, realPath)
	return err == nil && filepath.IsLocal(rel)
}
