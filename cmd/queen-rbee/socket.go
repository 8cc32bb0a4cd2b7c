package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

// socket is a unix socket that only this user can open, and that only one queen serves.
type socket struct {
	path string
	l    *net.UnixListener
	lock *os.File
}

// listen takes the socket. Who serves a path holds a lock on a file beside it, which the kernel drops with the
// process: so the socket of a queen that was killed is known to be nobody's, and is replaced.
func listen(path string) (*socket, error) {
	if err := config.CheckSocketPath(path); err != nil {
		return nil, err
	}
	if err := config.PrivateDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	lock, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &socket{path: path, lock: lock}
	if err := clear(path); err != nil {
		s.remove()
		return nil, err
	}
	old := syscall.Umask(0o177) // no moment at which others could open it
	s.l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(old)
	if err != nil {
		s.remove()
		return nil, fault.Wrap(fault.SocketInUse, err, "cannot listen on %s: %v", path, err).WithHint("name another path with --socket")
	}
	return s, nil
}

// takeLock returns the locked file. A queen that ends removes its lock file, so one that was opened before that
// may be locked and yet be nobody's: then it is opened again.
func takeLock(path string) (*os.File, error) {
	for range 10 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fault.Wrap(fault.SocketInUse, err, "cannot lock %s: %v", path, err).WithHint("name another path with --socket")
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			who := make([]byte, 64)
			n, _ := f.Read(who)
			f.Close()
			return nil, inUse(path, string(who[:n]))
		}
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			_ = f.Truncate(0)
			_, _ = f.WriteString(proc.Self().String()) // who is stopped by it must be this very process
			return f, nil
		}
		f.Close()
	}
	return nil, inUse(path, "")
}

func inUse(lock, who string) error {
	path := lock[:len(lock)-len(".lock")]
	e := fault.New(fault.SocketInUse, "a queen serves %s already", path)
	if id, err := proc.ParseIdentity(who); err == nil {
		e = fault.New(fault.SocketInUse, "a queen serves %s already (pid %d)", path, id.PID).With("pid", id.PID)
	}
	return e.WithHint("use it, stop it (rbee queen stop), or name another path with --socket")
}

// clear removes the socket of a queen that died. Anything else at that path is not touched.
func clear(path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode()&fs.ModeSocket == 0:
		return fault.New(fault.SocketInUse, "%s exists and is not a socket", path).WithHint("remove it, or name another path with --socket")
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return fault.New(fault.SocketInUse, "another program listens on %s", path).WithHint("name another path with --socket")
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		return fault.Wrap(fault.SocketInUse, err, "%s is in use: %v", path, err).WithHint("name another path with --socket")
	}
	return os.Remove(path)
}

// remove leaves nothing of it.
func (s *socket) remove() {
	if s.l != nil {
		s.l.Close() // removes the path
	}
	_ = os.Remove(s.lock.Name())
	s.lock.Close()
}
