package sources

import (
	"path"
	"path/filepath"
	"strings"

	"rbee/internal/models"
)

// llamaCache is the cache of llama.cpp's own programs: org_repo_file.gguf in one flat folder. Underscores are also
// in names, so a file tells its repository only to who knows it; what is listed is a guess for people, and its
// reference is the path.
type llamaCache struct{ dir string }

func (c llamaCache) Find(r models.Ref) []models.Local {
	if r.Kind != models.Hub {
		return nil
	}
	prefix := r.Org + "_" + r.Repo + "_"
	var found []models.Local
	for _, m := range c.List() {
		base, ok := cutFold(m.Base, prefix)
		if !ok {
			continue
		}
		m.Base = base
		// A part of a split model may be named; parts beyond the first keep its repository's folder.
		want := strings.ReplaceAll(r.File, "/", "_")
		fit := want == "" && (r.Quant == "" || models.HasQuant(base, r.Quant))
		for _, p := range m.Paths {
			name, _ := cutFold(filepath.Base(p), prefix)
			fit = fit || want != "" && (name == want || name == path.Base(r.File))
		}
		if fit {
			found = append(found, m)
		}
	}
	return found
}

func (c llamaCache) List() []models.Local {
	var paths []string
	for _, name := range list(c.dir) {
		paths = append(paths, filepath.Join(c.dir, name))
	}
	found := models.Group(paths, filepath.Base)
	for i := range found {
		found[i].Ref = found[i].Paths[0]
		found[i].Root, found[i].Source = c.dir, "llama.cpp cache ("+c.dir+")"
	}
	return found
}

// cutFold cuts a prefix off, in any case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
