package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rbee/internal/fault"
)

// Secret is a file of the user's own beside the config file: made with mode 0600, replaced as a whole, and edited by
// several at once without losing an edit, as the config file is (see Source.Edit).
type Secret string

// Read returns the bytes, nil if the file is not there. It is refused if others could have written it.
func (s Secret) Read() ([]byte, error) {
	path := string(s)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not keep us
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, s.fault("read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, s.fault("read", err)
	}
	switch st, ok := info.Sys().(*syscall.Stat_t); {
	case !info.Mode().IsRegular():
		return nil, s.fault("read", errors.New("it is no regular file"))
	case ok && st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nil, s.fault("read", errors.New("it belongs to another user"))
	case info.Mode().Perm()&0o022 != 0:
		return nil, s.fault("read", errors.New("others can write to it"))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(text) > maxFileBytes {
		err = errors.New("it is too long")
	}
	if err != nil {
		return nil, s.fault("read", err)
	}
	return text, nil
}

// Edit replaces the bytes by what change makes of them; change may be called again. What does not change is not
// written.
func (s Secret) Edit(change func(before []byte) ([]byte, error)) error {
	dir := filepath.Dir(string(s))
	for range editAttempts {
		before, err := s.Read()
		if err != nil {
			return err
		}
		after, err := change(before)
		if err != nil {
			return err
		}
		if bytes.Equal(before, after) {
			return nil
		}
		done, err := s.replace(dir, before, after)
		if done || err != nil {
			return err
		}
	}
	return s.fault("edit", errors.New("others changed it again and again meanwhile"))
}

func (s Secret) replace(dir string, before, after []byte) (done bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, s.fault("write", err)
	}
	unlock, err := lockFolder(dir, lockWait)
	if err != nil {
		return false, s.fault("write", err)
	}
	defer unlock()
	now, err := s.Read()
	if err != nil || !bytes.Equal(now, before) {
		return false, err
	}
	if err := writeFile(string(s), after); err != nil {
		return false, s.fault("write", err)
	}
	return true, nil
}

func (s Secret) fault(what string, cause error) error {
	if noSpace(cause) {
		return fault.Wrap(fault.DiskFull, cause, "cannot write %s: no space left", string(s)).WithHint("free some space there; nothing was changed").With("path", string(s))
	}
	return fault.Wrap(fault.InvalidRequest, cause, "cannot %s %s: %v", what, string(s), reason(cause)).
		WithHint("see that it is yours and that its mode is 0600, in a folder that you may write to").With("path", string(s))
}
