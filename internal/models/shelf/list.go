package shelf

import (
	"context"

	"rbee/internal/fault"
	"rbee/internal/models"
)

// Row is one model of a list.
type Row struct {
	Model        string       `json:"model"` // a reference that means it
	Path         string       `json:"path"`
	Size         int64        `json:"size"`
	Architecture string       `json:"architecture,omitempty"`
	Quantization string       `json:"quantization,omitempty"`
	Source       string       `json:"source"`
	Broken       *fault.Error `json:"broken,omitempty"` // why it cannot be used
}

// List returns what models.List finds.
func List(ctx context.Context, env models.Env) ([]Row, error) {
	all, err := models.List(ctx, env)
	rows := make([]Row, 0, len(all))
	for _, m := range all {
		rows = append(rows, rowOf(m))
	}
	return rows, err
}

func rowOf(m models.Model) Row {
	r := Row{Model: m.Ref, Path: m.Path, Size: m.Size, Source: m.Source}
	if m.Header != nil {
		r.Architecture, r.Quantization = m.Header.Architecture, m.Header.Quantization()
	}
	if m.Broken != nil {
		r.Broken = fault.From(m.Broken)
	}
	return r
}
