// Package fresh keeps what files say, as fresh as the files are: a daemon reads its configuration, its keys and its
// certificate again when they change, without a restart and without losing what it knew when the new text is wrong.
//
// There is no watcher and no goroutine. Who asks for the value looks at the files first (one stat each, a few
// microseconds), so a change counts for the very next request, on any file system. A value that every request asks
// for, several times, may be looked at less often (Every): what it says is then at most that old.
package fresh

import (
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Value is what Load made of the files, as they are.
type Value[T any] struct {
	load  func() (T, error)
	warn  func(error)
	paths []string
	every time.Duration

	mu     sync.Mutex
	looked time.Time // when the files were looked at last
	stamps []stamp
	now    T
	err    error // why what the files say now is not what counts; nil = it is
}

// New loads a value for the first time, which must succeed. After that a load that fails leaves the old value in
// force and is told to warn, once a change. A path that is not there is a state like any other.
func New[T any](load func() (T, error), warn func(error), paths ...string) (*Value[T], error) {
	v := &Value[T]{load: load, warn: warn, paths: paths, looked: time.Now(), stamps: stampsOf(paths)}
	var err error
	v.now, err = load()
	return v, err
}

// Every has v look at its files only if it has not for so long, and returns it. It is for before its use.
func (v *Value[T]) Every(d time.Duration) *Value[T] {
	v.every = d
	return v
}

// Get returns what the files say, or said when they last were right.
func (v *Value[T]) Get() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.every > 0 {
		now := time.Now()
		if now.Sub(v.looked) < v.every {
			return v.now
		}
		v.looked = now
	}
	if now := stampsOf(v.paths); !slices.Equal(now, v.stamps) {
		v.stamps = now // taken before the load: what is written during it is another change
		v.reload()
	}
	return v.now
}

// Reload loads whether or not a file has changed, and returns why the new text does not count.
func (v *Value[T]) Reload() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stamps = stampsOf(v.paths)
	v.reload()
	return v.err
}

func (v *Value[T]) reload() {
	next, err := v.load()
	if v.err = err; err != nil {
		v.warn(err)
		return
	}
	v.now = next
}

// stamp tells one content of a path from another. A file that is replaced by a rename, as all of ours are, is another
// inode; one that is edited in place has another time or size.
type stamp struct {
	device, inode  uint64
	seconds, nanos int64
	size           int64
}

func stampsOf(paths []string) []stamp {
	all := make([]stamp, len(paths))
	for i, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			continue
		}
		all[i] = stamp{seconds: info.ModTime().Unix(), nanos: int64(info.ModTime().Nanosecond()), size: info.Size()}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			all[i].device, all[i].inode = uint64(st.Dev), st.Ino // Dev has 32 bits on macOS
		}
	}
	return all
}
