package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rbee/internal/fault"
)

// download is one file on its way.
type download struct {
	*hub
	*partial
	address string // on the hub

	mu     sync.Mutex
	direct string // where the hub's redirect led: the next segments ask there
}

var (
	errNoRanges = errors.New("the server does not do ranges")
	errChanged  = errors.New("the file changed while it came")
)

const maxChanges = 3 // how often a file may change under us before we believe it never rests

// fetchFile downloads one file. Its partial file stays if anything but the file itself was wrong.
func (d *hub) fetchFile(ctx context.Context, root *os.Root, p plan, f file, m *meter) error {
	part, err := openPartial(root, f, d.segment(f.size), m)
	if err != nil {
		if isFull(err) {
			return d.full(root, f)
		}
		return err
	}
	defer part.f.Close()
	dl := &download{hub: d, partial: part, address: f.address}
	if dl.address == "" {
		dl.address = d.at("", d.repo(), "resolve", p.commit, f.path)
	}
	err = dl.run(ctx)
	var gone *missing
	switch {
	case err == nil:
		return part.finish()
	case isFull(err):
		return d.full(root, f)
	case fault.CodeOf(err) == fault.ModelCorrupt:
		removePartial(root, f)
		return err
	case errors.As(err, &gone):
		err = fault.Wrap(fault.ModelNotFound, gone.cause, "%s lists %s, but does not give it: %v", d.repo(), f.path, gone.cause).
			WithHint("look at %s", d.at("", d.repo()))
	}
	if saved := part.save(false); saved != nil && isFull(saved) {
		return d.full(root, f)
	}
	return err
}

// full removes what filled the disk.
func (d *hub) full(root *os.Root, f file) error {
	removePartial(root, f)
	left, err := free(root)
	if err != nil {
		return err
	}
	return diskFull(root, f.size, left)
}

func (d *download) run(ctx context.Context) error {
	for changes := 0; ; {
		err := d.verified(ctx, d.segments)
		if errors.Is(err, errNoRanges) {
			return d.stream(ctx)
		}
		if !errors.Is(err, errChanged) {
			return err
		}
		if changes++; changes > maxChanges {
			return fault.Wrap(fault.DownloadFailed, err, "%s of %s changed %d times while it came", d.file.path, d.repo(), changes).
				WithHint("try again later")
		}
		d.reset()
	}
}

// verified runs get, which brings the file, and compares the digest. The state is saved meanwhile.
func (d *download) verified(ctx context.Context, get func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	saving, saved := context.WithCancel(ctx)
	var found string
	g.Go(func() error { return get(ctx) })
	g.Go(func() (err error) {
		defer saved()
		found, err = d.digest(ctx)
		return err
	})
	g.Go(func() error {
		for sleep(saving, d.SaveEvery) == nil {
			// The file has its space; a state that finds none costs a later resume, not this download.
			if err := d.save(true); err != nil && !isFull(err) {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if found != d.file.sha256 {
		return corrupt("the download of "+d.file.path+" of "+d.repo(), d.file.sha256, found).
			WithHint("it was removed; try again, and if that is no better, the copy on the hub is damaged")
	}
	return nil
}

// segments brings what is missing, several segments at a time. The first answer decides whether the server does
// ranges, and leads the others to where the file really is.
func (d *download) segments(ctx context.Context) error {
	d.rewind()
	g, ctx := errgroup.WithContext(ctx)
	answered := make(chan struct{})
	var once sync.Once
	open := func() { once.Do(func() { close(answered) }) }
	for n := range d.Parallel {
		g.Go(func() error {
			if n == 0 {
				defer open()
			} else {
				select {
				case <-answered:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			for {
				i, ok := d.take()
				if !ok {
					return nil
				}
				if err := d.fill(ctx, i, open); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// fill brings one segment, in portions if the line is shared with others.
func (d *download) fill(ctx context.Context, i int, answered func()) error {
	for from, to := d.todo(i); from < to; from, _ = d.todo(i) {
		err := d.retry(ctx, fmt.Sprintf("%s of %s", d.file.path, d.repo()), func(ctx context.Context) (bool, error) {
			from, to := d.todo(i)
			began := time.Now()
			err := d.getRange(ctx, from, min(to, from+d.portion.bytes(to-from)), answered)
			now, _ := d.todo(i)
			d.portion.took(now-from, time.Since(began))
			return now > from, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stream brings the file in one piece from a server that does nothing else. It cannot go on in the middle, so
// every attempt begins anew, and none counts as getting further.
func (d *download) stream(ctx context.Context) error {
	return d.retry(ctx, fmt.Sprintf("%s of %s", d.file.path, d.repo()), func(ctx context.Context) (bool, error) {
		d.reset()
		return false, d.verified(ctx, d.getWhole)
	})
}
