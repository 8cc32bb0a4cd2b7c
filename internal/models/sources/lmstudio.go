package sources

import (
	"path/filepath"
	"strings"

	"rbee/internal/models"
)

// lmStudio is LM Studio's folder: publisher/repo/file.gguf, as on the hub.
type lmStudio struct{ dir string }

func (c lmStudio) Find(r models.Ref) []models.Local {
	if r.Kind != models.Hub {
		return nil
	}
	var found []models.Local
	for _, org := range list(c.dir) {
		if !strings.EqualFold(org, r.Org) {
			continue
		}
		for _, repo := range list(filepath.Join(c.dir, org)) {
			if !strings.EqualFold(repo, r.Repo) {
				continue
			}
			for _, m := range c.repo(org, repo) {
				if fits(r, m.Base, m.files) {
					found = append(found, m.Local)
				}
			}
		}
	}
	return found
}

func (c lmStudio) List() []models.Local {
	var found []models.Local
	for _, org := range list(c.dir) {
		for _, repo := range list(filepath.Join(c.dir, org)) {
			for _, m := range c.repo(org, repo) {
				found = append(found, m.Local)
			}
		}
	}
	return found
}

func (c lmStudio) repo(org, repo string) []inRepo {
	folder := filepath.Join(c.dir, org, repo)
	var paths []string
	for _, name := range list(folder) {
		paths = append(paths, filepath.Join(folder, name))
	}
	var found []inRepo
	for _, l := range models.Group(paths, filepath.Base) {
		m := inRepo{Local: l}
		for _, p := range l.Paths {
			m.files = append(m.files, filepath.Base(p))
		}
		m.Ref = "hf:" + org + "/" + repo + "/" + m.files[0]
		if _, err := models.ParseRef(m.Ref); err != nil { // people put their own folders there too
			m.Ref = l.Paths[0]
		}
		m.Root, m.Source = c.dir, "LM Studio ("+c.dir+")"
		found = append(found, m)
	}
	return found
}
