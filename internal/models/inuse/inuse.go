// Package inuse marks model files that a worker has loaded, for whoever is about to delete one: also a command of another
// run, which no queen or hive of this one knows.
//
// The mark is a shared lock on the file itself (flock), so nothing is left behind by a worker that is killed, and a link to
// the file marks what it leads to. Where the file system has no locks there is no mark, and nothing is refused.
package inuse

import (
	"errors"
	"os"
	"syscall"
)

// Mark marks a file for as long as the result stays open: the life of the process. A file that cannot be opened is
// nobody's to mark, and its load says why.
func Mark(path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) // an error: no locks here
	return f
}

// Marked reports whether a process has marked the file.
func Marked(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo of that name must not hold us up
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
