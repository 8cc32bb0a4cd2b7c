package shelf

import "rbee/internal/models"

// Removed is what was deleted.
type Removed struct {
	Model string   `json:"model"`
	Files []string `json:"files"`
	Freed int64    `json:"freed"` // bytes
}

// Remove deletes a model of the model directory. inUse is asked first, with all its files, and may refuse.
func Remove(ref string, env models.Env, inUse func(name string, files []string) error) (Removed, error) {
	m, err := models.Remove(ref, env, func(m models.Model) error { return inUse(m.Name, m.Files()) })
	if err != nil {
		return Removed{}, err
	}
	return Removed{ref, m.Files(), m.Size}, nil
}

// Pulled says that a model is there now.
type Pulled struct {
	Model   string `json:"model"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Fetched int64  `json:"fetched"` // bytes that were not there before, or only as a partial file; 0 = it was there already
}
