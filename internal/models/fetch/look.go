package fetch

import (
	"context"
	"os"
	"path/filepath"

	"rbee/internal/models"
)

// Plan is what a fetch would do.
type Plan struct {
	Commit string // of the repository
	Files  []PlannedFile
	Size   int64 // bytes of all files
	Have   int64 // bytes of them that are on the disk
}

// PlannedFile is one file of a model.
type PlannedFile struct {
	Path   string // in the repository
	Place  string // on this machine, absolute
	Size   int64  // bytes
	SHA256 string // lower-case hex
}

// Plan asks the hub what Fetch would bring, and changes nothing. Errors are those of Fetch.
func (f *Fetcher) Plan(ctx context.Context, w models.Want) (*Plan, error) { return f.look(ctx, w, nil) }

func (f *Fetcher) look(ctx context.Context, w models.Want, l Lender) (*Plan, error) {
	d, err := f.hub(ctx, w, l)
	if err != nil {
		return nil, err
	}
	p, err := d.plan(ctx)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(w.Dir, w.Folder)
	plan := &Plan{Commit: p.commit, Size: p.size()}
	for _, x := range p.files {
		plan.Files = append(plan.Files, PlannedFile{x.path, filepath.Join(folder, x.name()), x.size, x.sha256})
	}
	if root, err := os.OpenRoot(folder); err == nil {
		plan.Have = p.there(root)
		root.Close()
	}
	return plan, nil
}

// hub is f as it serves one want.
func (f *Fetcher) hub(ctx context.Context, w models.Want, l Lender) (*hub, error) {
	c, err := newClient(ctx, f.options.Getenv, f.options.Transport, l)
	if err != nil {
		return nil, err
	}
	return &hub{client: c, Options: f.options, want: w, wait: f.wait}, nil
}
