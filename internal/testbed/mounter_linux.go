package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mounter does one thing after the other until one fails.
type mounter struct{ err error }

func (m *mounter) do(what, path string, err error) {
	if m.err == nil && err != nil {
		m.err = fmt.Errorf("%s %s: %w", what, path, err)
	}
}

func (m *mounter) mount(source, target, kind string, flags uintptr, data string) {
	if m.err == nil {
		m.do("mount "+kind, target, unix.Mount(source, target, kind, flags, data))
	}
}

func (m *mounter) mkdir(path string, mode fs.FileMode, owner int) {
	if m.err == nil {
		m.do("make", path, errors.Join(os.MkdirAll(path, mode), os.Chmod(path, mode), os.Chown(path, owner, owner)))
	}
}

func (m *mounter) write(path, text string, mode fs.FileMode, owner int) {
	m.mkdir(filepath.Dir(path), 0o755, owner)
	if m.err == nil {
		m.do("write", path, errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode), os.Chown(path, owner, owner)))
	}
}

// bind shows a file or folder at another place, which is made.
func (m *mounter) bind(from, to string) {
	if m.err != nil {
		return
	}
	info, err := os.Stat(from)
	if err != nil {
		m.do("share", from, err)
		return
	}
	if info.IsDir() {
		m.do("make", to, os.MkdirAll(to, 0o755))
	} else {
		m.write(to, "", 0o644, 0)
	}
	m.mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
}

// share puts what was kept at from back to its place, unless that is still visible.
func (m *mounter) share(from, path string) {
	if _, err := os.Stat(path); err != nil {
		m.bind(from, path)
	}
}
