package shelf

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"rbee/internal/models"
)

// UsedBy is the disk that one entry of the model directory takes.
type UsedBy struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// Partial is how much of it belongs to downloads that are not complete.
	Partial int64 `json:"partial,omitempty"`
}

// Used is the disk that the model directory takes.
type Used struct {
	Directory string   `json:"directory"`
	Entries   []UsedBy `json:"entries"`
	Bytes     int64    `json:"bytes"`
}

// Use adds up the files of the model directory, by what is right in it. A folder that may not be read counts as empty.
func Use(env models.Env) (Used, error) {
	dir, _, err := models.Dir(env)
	if err != nil {
		return Used{}, err
	}
	u := Used{Directory: dir, Entries: []UsedBy{}}
	by := map[string]*UsedBy{}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			if path == dir && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		in, _ := filepath.Rel(dir, path)
		name, _, _ := strings.Cut(in, string(filepath.Separator))
		if by[name] == nil {
			by[name] = &UsedBy{Name: name}
		}
		by[name].Bytes += info.Size()
		if strings.Contains(e.Name(), ".partial") {
			by[name].Partial += info.Size()
		}
		u.Bytes += info.Size()
		return nil
	})
	for _, e := range by {
		u.Entries = append(u.Entries, *e)
	}
	slices.SortFunc(u.Entries, func(a, b UsedBy) int { return strings.Compare(a.Name, b.Name) })
	return u, err
}
