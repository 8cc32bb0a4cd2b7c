package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"rbee/internal/fault"
)

// LogDir creates and returns <state>/rbee/logs/<run>, the folder of one run's logs. It is named beside the error too
// if it cannot be used.
func (e Env) LogDir(run string) (string, error) {
	state, err := e.StateDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(state, "logs", run)
	return dir, PrivateDir(dir)
}

// PrivateDir makes sure that dir is a folder which only its user can enter: it is created with mode 0700 where it
// is missing (and so are its parents), and refused where somebody else could put things into it.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folderFault(dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return folderFault(dir, err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return folderFault(dir, fmt.Errorf("it belongs to user %d, this is user %d", st.Uid, os.Geteuid()))
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return folderFault(dir, fmt.Errorf("its mode is %#o, so others can write to it", mode))
	}
	return nil
}

func folderFault(dir string, cause error) error {
	if noSpace(cause) {
		return fault.Wrap(fault.DiskFull, cause, "cannot create folder %s: no space left", dir).
			WithHint("free some space there, or set XDG_STATE_HOME to a folder on another disk").With("path", dir)
	}
	return fault.Wrap(fault.InvalidRequest, cause, "cannot use folder %s: %v", dir, reason(cause)).
		WithHint("make it a folder of yours with mode 0700, or set the XDG_*_HOME variable above it to another one").
		With("path", dir)
}

// reason is an error without the path that the message has already.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
