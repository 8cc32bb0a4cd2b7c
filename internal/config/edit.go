package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"rbee/internal/fault"
)

// editAttempts is how often somebody else may get in between before an edit gives up: each time, that one's edit
// is in the file.
const editAttempts = 100

// Edit changes the file: change is called with what is in it, and what it leaves is written. change may be called
// again when somebody else has edited the file meanwhile, so it must do nothing but edit. If it returns an error, or
// changes nothing, nothing is written and nothing is created.
//
// The file is replaced as a whole (written beside it, synced, renamed), keeps its mode, and if it is a symbolic link
// the file that it leads to is replaced. Two edits at once both count.
func (s Source) Edit(change func(*Document) error) error {
	if s.Path == os.DevNull {
		return fault.New(fault.InvalidRequest, "the config file is %s, which keeps nothing", s.Path).
			WithHint("name another with --config or RBEE_CONFIG").With("path", s.Path)
	}
	path, err := followed(s.Path)
	if err != nil {
		return writeFault(s.Path, err)
	}
	file := Source{Path: path} // to be created if it is not there, whoever named it
	for range editAttempts {
		before, err := file.read()
		if err != nil {
			return err
		}
		d, err := NewDocument(s.Path, before)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		if bytes.Equal(d.Bytes(), before) {
			return nil
		}
		done, err := file.replace(before, d.Bytes())
		if err != nil {
			return err
		}
		if done {
			return nil
		}
	}
	return fault.New(fault.InvalidRequest, "cannot edit %s: others changed it %d times meanwhile", s.Path, editAttempts).
		WithHint("try again").With("path", s.Path)
}

// replace writes after if the file still holds before. Only then somebody else has to wait, so nobody waits for a
// change that takes its time.
func (s Source) replace(before, after []byte) (done bool, err error) {
	dir := filepath.Dir(s.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, writeFault(s.Path, err)
	}
	unlock, err := lockFolder(dir, lockWait)
	if err != nil {
		return false, writeFault(s.Path, err)
	}
	defer unlock()
	now, err := s.read()
	if err != nil || !bytes.Equal(now, before) {
		return false, err
	}
	if err := writeFile(s.Path, after); err != nil {
		return false, writeFault(s.Path, err)
	}
	return true, nil
}

// followed returns what a chain of symbolic links leads to, which need not be there.
func followed(path string) (string, error) {
	for range 40 { // as the kernel
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link: a file, or nothing
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "follow", Path: path, Err: errors.New("too many symbolic links")}
}

func writeFault(path string, cause error) error {
	if noSpace(cause) {
		return fault.Wrap(fault.DiskFull, cause, "cannot write config file %s: no space left", path).
			WithHint("free some space there; nothing was changed").With("path", path)
	}
	return fault.Wrap(fault.InvalidRequest, cause, "cannot write config file %s: %v", path, reason(cause)).
		WithHint("nothing was changed; make its folder writable for you, or name another file with --config or RBEE_CONFIG").With("path", path)
}
