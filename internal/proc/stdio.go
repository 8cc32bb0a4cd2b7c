package proc

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Stream is a child's stdin and stdout as one byte stream; Close closes both directions and unblocks both.
type Stream struct {
	r, w *os.File
}

func (s *Stream) Read(b []byte) (int, error)  { return s.r.Read(b) }
func (s *Stream) Write(b []byte) (int, error) { return s.w.Write(b) }
func (s *Stream) Close() error                { return errors.Join(s.r.Close(), s.w.Close()) }

// CloseWrite is the end of the child's stdin; its stdout can still be read.
func (s *Stream) CloseWrite() error { return s.w.Close() }

var _ io.ReadWriteCloser = (*Stream)(nil)

// TakeStdio moves the owner's stream off descriptors 0 and 1 to private ones, and points 0 at /dev/null and 1 at
// stderr. It is the first thing a child's main does: afterwards a stray print of a native library cannot corrupt
// the stream, and a grandchild cannot hold it open.
//
// The private descriptors are close-on-exec and non-blocking; without the latter Close would not unblock a Read.
func TakeStdio() (*Stream, error) {
	r, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, err
	}
	w, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, err
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(null)
	if err := errors.Join(dup2(null, 0), dup2(2, 1), unix.SetNonblock(r, true), unix.SetNonblock(w, true)); err != nil {
		return nil, err
	}
	return &Stream{os.NewFile(uintptr(r), "link-in"), os.NewFile(uintptr(w), "link-out")}, nil
}
