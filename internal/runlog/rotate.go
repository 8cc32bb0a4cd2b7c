package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// Bounds on what is kept of one process's log: a file and two older ones.
const (
	maxBytes = 10 << 20
	keepOld  = 2
)

// File is a log file that never grows beyond a bound: a full one becomes NAME.1, and that NAME.2.
//
// (The usual library for it, lumberjack, has had no release since 2023 and leaves a goroutine behind for every file;
// a daemon has a file for every worker that it ever had.)
type File struct {
	path string
	most int64

	mu   sync.Mutex
	f    *os.File
	size int64
}

// OpenFile opens the log file at path, to append to.
func OpenFile(path string) (*File, error) {
	l := &File{path: path, most: maxBytes}
	return l, l.open()
}

func (l *File) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write appends b, whole lines, to one file.
func (l *File) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, os.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(b)) > l.most {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

func (l *File) rotate() error {
	for i := keepOld; i > 0; i-- {
		from := l.path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", l.path, i-1)
		}
		if err := os.Rename(from, fmt.Sprintf("%s.%d", l.path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l.f.Close()
	l.f = nil
	return l.open()
}

// Close closes it.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
