package sshconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// File is a configuration file.
type File struct {
	Path string
	// User: the user's own. Relative Includes are taken from ~/.ssh, else from /etc/ssh; and like ssh we refuse one
	// that others may write, because its ProxyCommand will be run.
	User     bool
	Required bool // a missing file is an error
}

const (
	maxDepth = 16      // of Includes, as in OpenSSH
	maxFile  = 4 << 20 // bytes
)

func (l *loader) include(f File, rest string, depth int, on bool) error {
	patterns, err := split(rest)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		switch {
		case strings.HasPrefix(p, "~/") && f.User:
			p = filepath.Join(l.Home, p[2:])
		case strings.HasPrefix(p, "~"):
			return fmt.Errorf("cannot follow Include %s: only ~/ of one's own file is understood", p)
		case filepath.IsAbs(p):
		case f.User:
			p = filepath.Join(l.Home, ".ssh", p)
		default:
			p = filepath.Join("/etc/ssh", p)
		}
		paths, err := filepath.Glob(p) // sorted, as OpenSSH's
		if err != nil {
			return fmt.Errorf("cannot follow Include %s: %w", p, err)
		}
		for _, path := range paths {
			if err := l.file(File{Path: path, User: f.User}, depth+1, on); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func (f File) read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && f.User && sys.Uid != 0 && int(sys.Uid) != os.Getuid() {
		return nil, fmt.Errorf("%s belongs to another user (%d), so ssh refuses it", f.Path, sys.Uid)
	}
	if f.User && info.Mode().Perm()&0o022 != 0 && info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s can be written by others (mode %#o), so ssh refuses it: chmod go-w %s", f.Path, info.Mode().Perm(), f.Path)
	}
	if info.IsDir() {
		return nil, nil // as OpenSSH, whose read of a folder yields no line
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", f.Path, info.Size(), maxFile)
	}
	text := make([]byte, 0, info.Size())
	b := bytes.NewBuffer(text)
	if _, err := b.ReadFrom(file); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
