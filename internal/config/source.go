package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rbee/internal/fault"
)

// maxFileBytes is far more than anybody writes by hand.
const maxFileBytes = 1 << 20

// Source is where the config file is, whether or not there is one.
type Source struct {
	Path string
	// Named by a flag: then it must be there to be read.
	Named bool
}

// ConfigFile returns where the config file is: flag if it is not "", else RBEE_CONFIG, else config.toml in the
// folder of ConfigDir. Nothing is created.
func (e Env) ConfigFile(flag string) (Source, error) {
	named := flag
	if named == "" {
		named = e.get("RBEE_CONFIG")
	}
	if named != "" {
		path, err := filepath.Abs(named)
		if err != nil {
			return Source{}, fault.Wrap(fault.InvalidRequest, err, "cannot make %s absolute: %v", named, err)
		}
		return Source{path, flag != ""}, nil
	}
	dir, err := e.ConfigDir()
	if err != nil {
		return Source{}, err
	}
	return Source{filepath.Join(dir, "config.toml"), false}, nil
}

// Load reads the config file. Where there is no place for one (no HOME), it is as empty as one that is not there.
func (e Env) Load(flag string) (*File, error) {
	s, err := e.ConfigFile(flag)
	if err != nil && s.Path == "" && flag == "" && e.get("RBEE_CONFIG") == "" {
		return Parse("", nil)
	}
	if err != nil {
		return nil, err
	}
	return s.Load()
}

// Load reads and checks the file. Every error is INVALID_REQUEST and names the file, the line and what is allowed.
func (s Source) Load() (*File, error) {
	text, err := s.read()
	if err != nil {
		return nil, err
	}
	return Parse(s.Path, text)
}

// read returns the bytes of the file, nil if it is not there. They may say which programs to run, so nobody else
// may have written them: as ssh does with its own, the file must be the user's or root's, and writable by nobody
// else.
func (s Source) read() ([]byte, error) {
	if s.Path == os.DevNull { // the usual way to say: no file
		return nil, nil
	}
	f, err := os.OpenFile(s.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not keep us
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	switch {
	case missing && !s.Named:
		return nil, nil
	case missing:
		return nil, fileFault(s.Path, err, "leave out --config, or create it with rbee node add")
	case errors.Is(err, syscall.EMFILE):
		return nil, fileFault(s.Path, err, "this process may open too few files: raise the limit with ulimit -n 1024")
	case err != nil:
		return nil, fileFault(s.Path, err, "make it readable for you: chmod u+r %s", s.Path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileFault(s.Path, err, "name another file with --config or RBEE_CONFIG")
	}
	if err := trusted(s.Path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fileFault(s.Path, err, "name another file with --config or RBEE_CONFIG")
	}
	if len(text) > maxFileBytes {
		return nil, fault.New(fault.InvalidRequest, "config file %s is more than %d bytes long", s.Path, maxFileBytes).
			WithHint("is it the right file? name another with --config or RBEE_CONFIG").With("path", s.Path).With("limit", maxFileBytes)
	}
	return text, nil
}

// trusted refuses what others could have written.
func trusted(path string, info fs.FileInfo) error {
	why := "it may say which programs to run"
	if !info.Mode().IsRegular() {
		return fault.New(fault.InvalidRequest, "config file %s is no regular file (%v)", path, info.Mode().Type()).
			WithHint("name another file with --config or RBEE_CONFIG").With("path", path)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fault.New(fault.InvalidRequest, "config file %s belongs to user %d, this is user %d; %s", path, st.Uid, os.Geteuid(), why).
			WithHint("name a file of yours with --config or RBEE_CONFIG, or make it yours: chown %d %s", os.Geteuid(), path).With("path", path)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fault.New(fault.InvalidRequest, "config file %s has mode %#o, so others can write to it; %s", path, mode, why).
			WithHint("see that its content is yours, then: chmod go-w %s", path).With("path", path)
	}
	return nil
}

func fileFault(path string, cause error, hint string, args ...any) error {
	return fault.Wrap(fault.InvalidRequest, cause, "cannot read config file %s: %v", path, reason(cause)).
		WithHint(hint, args...).With("path", path)
}
