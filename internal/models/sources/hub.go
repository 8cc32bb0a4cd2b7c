package sources

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rbee/internal/models"
)

// hubCache is the cache of the hub's own programs: models--org--repo/snapshots/<commit>/<path>, each a link into
// blobs beside it, made when the file is whole; refs/main says which commit the branch was at.
type hubCache struct{ dir string }

const maxDeep = 4 // folders in a repository that are looked into

func (c hubCache) Find(r models.Ref) []models.Local {
	if r.Kind != models.Hub {
		return nil
	}
	var found []models.Local
	for _, org := range list(c.dir) {
		if strings.EqualFold(org, "models--"+r.Org+"--"+r.Repo) {
			for _, m := range c.repo(org) {
				if fits(r, m.Base, m.files) {
					found = append(found, m.Local)
				}
			}
		}
	}
	return found
}

func (c hubCache) List() []models.Local {
	var found []models.Local
	for _, name := range list(c.dir) {
		for _, m := range c.repo(name) {
			found = append(found, m.Local)
		}
	}
	return found
}

// inRepo is a model and the paths of its files in the repository.
type inRepo struct {
	models.Local
	files []string
}

// repo returns the models of one folder of the cache, of the commit that main was at; if that is not known, of the
// only one.
func (c hubCache) repo(folder string) []inRepo {
	parts := strings.Split(folder, "--")
	if len(parts) != 3 || parts[0] != "models" {
		return nil
	}
	snapshots := filepath.Join(c.dir, folder, "snapshots")
	commit := head(filepath.Join(c.dir, folder, "refs", "main"))
	if commit == "" {
		all := list(snapshots)
		if len(all) != 1 {
			return nil
		}
		commit = all[0]
	}
	snapshot := filepath.Join(snapshots, commit)
	inside := func(path string) string {
		rel, _ := filepath.Rel(snapshot, path)
		return filepath.ToSlash(rel)
	}
	var found []inRepo
	for _, l := range models.Group(walk(snapshot, maxDeep), func(path string) string { return models.FileName(inside(path)) }) {
		m := inRepo{Local: l}
		for _, p := range l.Paths {
			m.files = append(m.files, inside(p))
		}
		m.Ref = "hf:" + parts[1] + "/" + parts[2] + "/" + m.files[0]
		m.Root, m.Source = c.dir, "Hugging Face cache ("+c.dir+")"
		found = append(found, m)
	}
	return found
}

var hexCommit = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// head returns the commit that a ref names, "" if it names none.
func head(path string) string {
	s := strings.TrimSpace(string(read(path, 100)))
	if !hexCommit.MatchString(s) {
		return ""
	}
	return s
}

// read returns a small file, nil if it is not there or longer than most.
func read(path string, most int64) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || int64(len(b)) > most {
		return nil
	}
	return b
}

// list returns the names in a folder, sorted; none if it is not there or may not be read.
func list(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

const maxFiles = 10_000 // in one folder tree; nobody has so many models

// walk returns the paths of the model files below dir, sorted. It does not follow links to folders.
func walk(dir string, deep int) (paths []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil && e != nil && e.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil
		case len(paths) >= maxFiles:
			return fs.SkipAll
		case e.IsDir() && path != dir && (strings.HasPrefix(e.Name(), ".") || strings.Count(rel, string(filepath.Separator)) >= deep):
			return fs.SkipDir
		case !e.IsDir():
			paths = append(paths, path)
		}
		return nil
	})
	slices.Sort(paths)
	return paths
}
