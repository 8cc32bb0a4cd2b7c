package bundle

import (
	"os"
	"path/filepath"
)

// draft is a file that is being written. Until it is published nobody finds it, and where the system can do that it
// has no name at all: a process that is killed while it writes leaves nothing.
type draft struct {
	*os.File
	dir   string
	named bool
}

// pattern of the names that drafts have where they must have one.
const pattern = ".bundle-*.partial"

func newDraft(dir string) (*draft, error) {
	if f, err := unnamed(dir); err == nil {
		return &draft{f, dir, false}, nil
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return &draft{f, dir, true}, nil
}

// publish gives the file its name: who looks for it finds the whole of it, or what was there before.
func (d *draft) publish(path string) error {
	from := d.Name()
	if !d.named {
		if err := link(d.File, path); err == nil || !os.IsExist(err) {
			return err
		}
		// A link does not replace; a rename needs a name.
		from = filepath.Join(d.dir, ".bundle-"+filepath.Base(path)+".partial")
		os.Remove(from)
		if err := link(d.File, from); err != nil {
			return err
		}
	}
	if err := os.Rename(from, path); err != nil {
		os.Remove(from)
		return err
	}
	d.named = false
	return nil
}

// close ends a draft, published or not.
func (d *draft) close() {
	d.File.Close()
	if d.named {
		os.Remove(d.Name())
	}
}
