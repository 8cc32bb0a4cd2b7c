package fetch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models"
)

// Fetcher downloads models. One serves a whole process: what several ask for at the same time it fetches once.
type Fetcher struct {
	options Options
	wait    func(context.Context, time.Duration) error // between attempts
	// Who asks with the same words shares even the questions to the hub; who means the same file with other words
	// shares the download.
	asked, files flights
}

// New returns a Fetcher. It does nothing, and reads no environment, until it is asked.
func New(o Options) *Fetcher { return &Fetcher{options: o.withDefaults(), wait: sleep} }

// Fetch downloads what w says into w.Dir/w.Folder and returns when it is there and verified; see the package for
// how. Errors are *fault.Error with the code MODEL_NOT_FOUND, MODEL_AMBIGUOUS, MODEL_ACCESS_DENIED, MODEL_CORRUPT,
// MODEL_REF_INVALID, DOWNLOAD_FAILED, DOWNLOAD_STALLED, DISK_FULL or INVALID_REQUEST, or ctx's own error.
func (f *Fetcher) Fetch(ctx context.Context, w models.Want) error { return f.fetch(ctx, w, nil) }

func (f *Fetcher) fetch(ctx context.Context, w models.Want, l Lender) error {
	key := strings.Join([]string{w.Dir, w.Folder, w.Org, w.Repo, w.Quant, w.File, w.Ref.SHA256}, "\x00")
	return f.asked.do(ctx, key, w.Progress, func(ctx context.Context, report func(models.Progress)) error {
		d, err := f.hub(ctx, w, l)
		if err != nil {
			return err
		}
		p, err := d.plan(ctx)
		if err != nil {
			return err
		}
		path := filepath.Join(w.Dir, w.Folder, p.files[0].name())
		return f.files.do(ctx, path, report, func(ctx context.Context, report func(models.Progress)) error {
			return d.bring(ctx, p, report)
		})
	})
}

// bring downloads the files of a plan that are not there.
func (d *hub) bring(ctx context.Context, p plan, report func(models.Progress)) error {
	m := &meter{total: p.size()}
	metered, end := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		m.run(metered, report)
	}()
	defer func() { end(); <-reported }()

	root, unlock, err := d.enter(ctx, p.files[0], func(root *os.Root) { m.see(p.there(root)) })
	if err != nil {
		return err
	}
	defer root.Close()
	defer os.Remove(root.Name()) // succeeds only if nothing is in it
	defer unlock()
	m.see(0)
	var todo []file
	for _, f := range p.files {
		if f.isThere(root) {
			m.have(f.size)
			continue
		}
		todo = append(todo, f)
	}
	if err := makeRoom(root, todo); err != nil {
		return d.cannot(ctx, root, err)
	}
	for _, f := range todo {
		if err := d.fetchFile(ctx, root, p, f, m); err != nil {
			return d.cannot(ctx, root, err)
		}
	}
	return nil
}

// enter opens the model's folder and locks a file in it. Whoever had the lock may have removed the folder with it,
// because nothing came of its download; then it is made anew.
func (d *hub) enter(ctx context.Context, f file, waiting func(*os.Root)) (root *os.Root, unlock func(), err error) {
	for {
		if root, err = d.folder(); err != nil {
			return nil, nil, err
		}
		if unlock, err = lock(ctx, root, f, func() { waiting(root) }); err == nil {
			return root, unlock, nil
		}
		root.Close()
		if ctx.Err() != nil || !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, d.cannot(ctx, root, err)
		}
	}
}

// folder opens the model's folder, making it if need be. It cannot lie outside the model directory.
func (d *hub) folder() (*os.Root, error) {
	if err := os.MkdirAll(d.want.Dir, 0o700); err != nil {
		return nil, onDisk(d.want.Dir, err)
	}
	dir, err := os.OpenRoot(d.want.Dir)
	if err != nil {
		return nil, onDisk(d.want.Dir, err)
	}
	defer dir.Close()
	path := filepath.Join(d.want.Dir, d.want.Folder)
	if !filepath.IsLocal(d.want.Folder) || filepath.Base(d.want.Folder) != d.want.Folder || d.want.Folder == "." {
		return nil, fault.New(fault.ModelRefInvalid, "%.100q is no name of a folder", d.want.Folder)
	}
	if err := dir.Mkdir(d.want.Folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, onDisk(path, err)
	}
	root, err := dir.OpenRoot(d.want.Folder)
	if err != nil {
		return nil, onDisk(path, err)
	}
	return root, nil
}

// cannot is what stopped a download, as its user sees it.
func (d *hub) cannot(ctx context.Context, root *os.Root, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return onDisk(root.Name(), err)
}
