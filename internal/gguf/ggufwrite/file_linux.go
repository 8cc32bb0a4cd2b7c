package ggufwrite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// writeUnnamed writes to a file without a name (O_TMPFILE, open(2)) and names it when it is whole. done is false
// where the file system has no such files.
func writeUnnamed(path string, write func(io.Writer) error) (done bool, err error) {
	dir := filepath.Dir(path)
	fd, err := unix.Open(dir, unix.O_WRONLY|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return false, nil // the other way will say what is wrong, if anything is
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if err := write(f); err != nil {
		return true, err
	}
	self := fmt.Sprintf("/proc/self/fd/%d", fd)
	name := func(path string) error {
		return unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	err = name(path)
	if !errors.Is(err, fs.ErrExist) {
		return err == nil, nil // without /proc: the other way
	}
	// linkat never replaces: go through a second name, which exists for two system calls.
	aside := filepath.Join(dir, strings.Replace(partial(path), "*", fmt.Sprintf("%d-%d", os.Getpid(), fd), 1))
	if err := name(aside); err != nil {
		return false, nil
	}
	if err := os.Rename(aside, path); err != nil {
		os.Remove(aside)
		return true, err
	}
	return true, nil
}
