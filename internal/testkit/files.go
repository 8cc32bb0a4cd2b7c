package testkit

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// Files lists everything below root but folders (files, sockets, links), by path relative to root, sorted. A root
// that does not exist holds nothing; what disappears during the look is not there.
func Files(root string) ([]string, error) {
	var files []string
	err := walk(root, func(path string, _ fs.DirEntry) { files = append(files, path) })
	slices.Sort(files)
	return files, err
}

// Leftovers lists what no run may leave below root, whatever else it keeps there: sockets, databases, and files
// that were being written (*.db, *.partial, *.tmp). Folders named in skip are not entered.
func Leftovers(root string, skip ...string) ([]string, error) {
	var left []string
	err := walk(root, func(path string, d fs.DirEntry) {
		if d.Type()&fs.ModeSocket != 0 || slices.Contains([]string{".db", ".partial", ".tmp"}, filepath.Ext(path)) {
			left = append(left, path)
		}
	}, skip...)
	slices.Sort(left)
	return left, err
}

func walk(root string, visit func(path string, d fs.DirEntry), skip ...string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skip, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(rel, d)
		return nil
	})
}
