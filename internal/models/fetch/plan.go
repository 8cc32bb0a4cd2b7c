package fetch

import (
	"context"
	"errors"
	"os"
	"time"
)

// plan is what will be downloaded.
type plan struct {
	commit string
	choice
}

// plan asks the hub what there is and decides. Nothing on disk is touched.
func (d *hub) plan(ctx context.Context) (plan, error) {
	commit, err := d.commit(ctx, d.repo())
	if err != nil {
		return plan{}, d.ofRepo(err)
	}
	files, err := d.list(ctx, d.repo(), commit)
	if err != nil {
		return plan{}, d.ofRepo(err)
	}
	c, err := d.choose(files)
	return plan{commit, c}, err
}

// ofRepo says of a 404 what it is that is not there.
func (d *hub) ofRepo(err error) error {
	var m *missing
	if errors.As(err, &m) {
		return d.noRepo(m.cause)
	}
	return err
}

// isThere reports whether a file is there as a whole: it was verified before it got its name.
func (f file) isThere(root *os.Root) bool {
	info, err := root.Stat(f.name())
	return err == nil && info.Mode().IsRegular() && info.Size() == f.size && (f.modified.IsZero() || SameTime(info.ModTime(), f.modified))
}

// SameTime reports whether a file that was given a time, and has this one, still has it. Not every file system keeps more
// than whole seconds. On one that does, two versions that were written within a second are told apart.
func SameTime(has, given time.Time) bool {
	return has.Equal(given) || has.Equal(given.Truncate(time.Second))
}

// there returns how many bytes of the plan are on the disk, as far as files and states tell.
func (p plan) there(root *os.Root) (n int64) {
	for _, f := range p.files {
		if f.isThere(root) {
			n += f.size
		} else if s, ok := readState(root, f); ok {
			n += s.bytes()
		}
	}
	return n
}
