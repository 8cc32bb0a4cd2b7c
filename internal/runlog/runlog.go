// Package runlog keeps what processes wrote to their stderr, one file for each under the run's folder.
//
// A file is made when there is a first line for it, so a quiet run leaves none. A log that cannot be written is
// never a reason to fail: the first error is reported, once, and the run goes on without. The folders of old runs are
// removed by later ones ([Prune]).
package runlog

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Dir is the log folder of one run. A nil *Dir and an empty folder discard everything.
type Dir struct {
	path string
	warn func(error)

	mu    sync.Mutex
	files map[string]*File // that are open
	order []string         // their names, the longest unused first
	held  *os.File         // the folder, so that nobody prunes it
	dead  bool
}

// New returns the log folder at path, which is created with the first line. warn gets the first error.
func New(path string, warn func(error)) *Dir {
	d := &Dir{path: path, warn: warn, files: map[string]*File{}}
	d.hold()
	return d
}

// hold keeps others from pruning the folder, if it is there.
func (d *Dir) hold() {
	if d.held == nil && d.path != "" {
		d.held, _ = hold(d.path, syscall.LOCK_SH) // without locks it is as safe as it is young
	}
}

// Line appends a line, stamped with the time, to <name>.log.
func (d *Dir) Line(name, line string) {
	if d == nil || d.path == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return
	}
	f, err := d.file(name)
	if err == nil {
		_, err = f.Write([]byte(time.Now().UTC().Format("2006-01-02T15:04:05.000Z ") + line + "\n"))
	}
	if err != nil {
		d.dead = true
		if d.warn != nil {
			d.warn(err)
		}
	}
}

// A daemon has a log for every worker that it ever had. So many are open, and so many are kept.
const (
	maxOpen  = 32
	maxFiles = 128
)

func (d *Dir) file(name string) (*File, error) {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == 0 {
			return '-'
		}
		return r
	}, name)
	if f := d.files[name]; f != nil {
		if last := len(d.order) - 1; d.order[last] != name {
			i := slices.Index(d.order, name)
			d.order = append(slices.Delete(d.order, i, i+1), name)
		}
		return f, nil
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, err
	}
	d.hold()
	f, err := OpenFile(filepath.Join(d.path, name+".log"))
	if err != nil {
		return nil, err
	}
	if len(d.order) >= maxOpen {
		d.files[d.order[0]].Close()
		delete(d.files, d.order[0])
		d.order = d.order[1:]
	}
	d.files[name], d.order = f, append(d.order, name)
	d.thin()
	return f, nil
}

// thin removes the logs that were written to the longest ago, when there are too many.
func (d *Dir) thin() {
	entries, err := os.ReadDir(d.path)
	if err != nil || len(entries) <= maxFiles {
		return
	}
	var old []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), "queen.log") && d.files[strings.TrimSuffix(e.Name(), ".log")] == nil {
			old = append(old, info)
		}
	}
	slices.SortFunc(old, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range old[:min(len(old), len(entries)-maxFiles*3/4)] {
		_ = os.Remove(filepath.Join(d.path, info.Name()))
	}
}

// Open opens another log in the folder, for a writer that stamps its own lines.
func (d *Dir) Open(name string) (*File, error) {
	if d == nil || d.path == "" {
		return nil, os.ErrInvalid
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold()
	return OpenFile(filepath.Join(d.path, name+".log"))
}

// Close closes the files, and removes the folder if nothing was written.
func (d *Dir) Close() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	for _, f := range d.files {
		f.Close()
	}
	if d.held != nil {
		d.held.Close()
	}
	if d.path != "" {
		_ = os.Remove(d.path) // succeeds only if it is empty
	}
}

const separator = "| "

// Tag marks a line as another process's, for a parent that passes it on with its own.
func Tag(name, line string) string { return name + separator + line }

// Untag is the inverse of Tag: the name and the line, or own and the line as it is.
func Untag(own, line string) (string, string) {
	if name, rest, ok := strings.Cut(line, separator); ok && strings.HasPrefix(name, "worker-") && !strings.ContainsAny(name, " \t") {
		return name, rest
	}
	return own, line
}
