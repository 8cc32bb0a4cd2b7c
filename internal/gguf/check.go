package gguf

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"rbee/internal/fault"
)

// Check opens a model file and checks its header. It never blocks, whatever path names. Errors are *fault.Error:
// MODEL_CORRUPT, MODEL_NOT_FOUND, or MODEL_ACCESS_DENIED for a file that may not be read.
func Check(path string) (*Header, error) {
	if err := regular(os.Stat(path)); err != nil { // before opening: opening a device can have effects
		return nil, refuse(path, err)
	}
	// O_NONBLOCK: it may have become a pipe since.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, refuse(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err := regular(info, err); err != nil {
		return nil, refuse(path, err)
	}
	h, err := Parse(f, info.Size())
	if err != nil {
		return nil, refuse(path, err)
	}
	return h, nil
}

func regular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return corrupt("kind", "a file", "a folder")
	case !info.Mode().IsRegular():
		return corrupt("kind", "a file", "%s", kindOf(info.Mode()))
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// refuse turns an error into what a user sees.
func refuse(path string, err error) *fault.Error {
	var c *Corrupt
	switch {
	case errors.As(err, &c):
		return c.Fault(path)
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(fault.ModelNotFound, err, "there is no model file %s", path).
			WithHint("it was deleted meanwhile, or is a link to a file that is gone: put it back, or name another model").With("path", path)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.ModelAccessDenied, err, "the model file %s may not be read: %v", path, cause(err)).
			WithHint("make it readable for this user: chmod u+r %s", path).With("path", path)
	}
	return fault.Wrap(fault.ModelCorrupt, err, "the model file %s cannot be read: %v", path, cause(err)).
		WithHint("check the disk that it is on, or copy the file there again").With("path", path)
}

// cause strips the path that the message gives already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
