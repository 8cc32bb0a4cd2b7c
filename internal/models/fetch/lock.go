package fetch

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lookAgain is how often a process that waits for the download of another one asks for the lock.
const lookAgain = 100 * time.Millisecond

// lock waits until no other download of that file goes on, in this process or another, and keeps others out until
// unlock. waiting is called now and then until it is our turn. The kernel holds the lock, so it cannot outlive its process; the file that stands for it may, and does
// not matter.
func lock(ctx context.Context, root *os.Root, f file, waiting func()) (unlock func(), err error) {
	name := "." + f.name() + ".lock"
	for {
		l, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = flock(ctx, l, waiting)
		if err != nil {
			l.Close()
			return nil, err
		}
		// Whoever had it removed the file before letting go: then this is the lock of a file that nobody sees.
		mine, err := l.Stat()
		there, err2 := root.Lstat(name)
		if err == nil && err2 == nil && os.SameFile(mine, there) {
			return func() { root.Remove(name); l.Close() }, nil
		}
		l.Close()
	}
}

func flock(ctx context.Context, l *os.File, waiting func()) error {
	for {
		err := syscall.Flock(int(l.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		}
		waiting()
		if err := sleep(ctx, lookAgain); err != nil {
			return err
		}
	}
}
