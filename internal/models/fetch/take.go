package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models"
)

// Gift is a model that somebody else than the hub gives: the machine that a queen runs on.
type Gift struct {
	Dir, Folder string // where it belongs: the model directory and a folder in it
	From        string // who gives it, for people
	Files       []GiftFile
	// Digest asks for the SHA-256 of file i. It takes the time of reading it, and is called for a file that is not
	// there already.
	Digest func(ctx context.Context, i int) (string, error)
	// Via carries the requests. The line is taken to be shared with others: they are not held up for long.
	Via      http.RoundTripper
	Progress func(models.Progress) // may be nil
}

// GiftFile is one file of a Gift.
type GiftFile struct {
	Name     string // on disk
	Address  string // http://..., for range requests
	Size     int64
	Modified time.Time // the file gets it; one that has it, and the size, is taken to be the same
}

// Take brings a Gift as Fetch brings what is on the hub: in segments into a partial file, resumed after any
// interruption, once however many ask, verified before it gets its name. It returns how many bytes were not there.
// Errors are those of Fetch.
func (f *Fetcher) Take(ctx context.Context, g Gift) (missing int64, err error) {
	d := &hub{Options: f.options, want: models.Want{Dir: g.Dir, Folder: g.Folder}, wait: f.wait, from: g.From, portion: &portion{}}
	p := plan{choice: choice{base: g.Folder, count: len(g.Files)}}
	for _, x := range g.Files {
		p.files = append(p.files, file{path: x.Name, size: x.Size, address: x.Address, modified: x.Modified.Round(0)})
	}
	if len(p.files) == 0 {
		return 0, unbelievable(errors.New("no files"))
	}
	if d.client, err = giver(p.files[0].address, g.Via); err != nil {
		return 0, err
	}
	if missing, err = d.compare(ctx, p, g.Digest); err != nil || missing == 0 {
		return 0, d.ofGift(err)
	}
	path := filepath.Join(g.Dir, g.Folder, p.files[0].name())
	err = f.files.do(ctx, path, g.Progress, func(ctx context.Context, report func(models.Progress)) error {
		return d.bring(ctx, p, report)
	})
	return missing, d.ofGift(err)
}

// giver is a client for addresses of one host, without a token.
func giver(address string, via http.RoundTripper) (*client, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	c := &client{base: &url.URL{Scheme: base.Scheme, Host: base.Host}, access: &access{}}
	c.http = &http.Client{Transport: via, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirects }}
	return c, nil
}

// compare gives every file that is not there its digest, and counts their bytes. A file of the right size but another
// time is read, here and there: it may have come by another way.
func (d *hub) compare(ctx context.Context, p plan, digest func(context.Context, int) (string, error)) (missing int64, err error) {
	folder := filepath.Join(d.want.Dir, d.want.Folder)
	root, err := os.OpenRoot(folder)
	if err == nil {
		defer root.Close()
	}
	for i := range p.files {
		f := &p.files[i]
		if root != nil && f.isThere(root) {
			f.sha256 = unread
			continue
		}
		if f.sha256, err = digest(ctx, i); err != nil {
			return 0, err
		}
		if err := f.check(); err != nil {
			return 0, unbelievable(err)
		}
		if root != nil && f.isTheSame(ctx, root) {
			continue
		}
		missing += f.size
	}
	return missing, ctx.Err()
}

// unread stands for the digest of a file that nobody needs to know.
const unread = "-"

// isTheSame reports whether the file is there with another time but with its content, and then gives it its time.
func (f file) isTheSame(ctx context.Context, root *os.Root) bool {
	info, err := root.Stat(f.name())
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.size {
		return false
	}
	found, err := models.Digest(ctx, filepath.Join(root.Name(), f.name()), nil)
	return err == nil && found == f.sha256 && root.Chtimes(f.name(), f.modified, f.modified) == nil
}

// ofGift says in the words of who waits for a gift what Fetch says of the hub.
func (d *hub) ofGift(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	switch f.Code {
	case fault.DownloadFailed, fault.DownloadStalled:
		return f.WithHint("check the line to the node and run it again: what has come is kept, and it goes on from there")
	case fault.ModelCorrupt:
		f.Message = fmt.Sprintf("what came from %s is not what was announced: %s", d.from, f.Message)
		return f.WithHint("it was removed; was the file changed while it was sent? Run it again")
	case fault.ModelNotFound:
		return f.WithHint("was the file removed while it was sent? Run it again")
	}
	return err
}
