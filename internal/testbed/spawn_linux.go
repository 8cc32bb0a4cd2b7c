package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner starts inits from one thread that lives as long as the bed: a parent-death signal comes when the thread
// that forked ends, not the process.
type spawner struct {
	starts chan func()
	ended  chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{make(chan func()), make(chan struct{})}
	go func() {
		defer close(s.ended)
		runtime.LockOSThread()
		for start := range s.starts {
			start()
		}
	}()
	return s
}

func (s *spawner) close() {
	close(s.starts)
	<-s.ended
}

// init starts a host's init with that log and control socket, in namespaces of its own.
func (s *spawner) init(log, control *os.File) (p *os.Process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	done := make(chan struct{})
	s.starts <- func() {
		defer close(done)
		p, err = os.StartProcess(self, []string{initName, owner(os.Getpid())}, &os.ProcAttr{
			Env:   []string{"PATH=" + systemPath},
			Files: []*os.File{null, log, log, control},
			Sys: &syscall.SysProcAttr{
				Setsid:     true,
				Pdeathsig:  unix.SIGKILL,
				Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
			},
		})
	}
	<-done
	return p, err
}

// owner names a life of a process: its pid, and when it began.
func owner(pid int) string {
	p, ok := readProcess(pid)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d@%d", pid, p.start)
}

// sweep ends the inits whose owner is dead. There are none, unless a kernel or a stopped process kept one: they end
// with their owner.
func sweep() error {
	dirs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range dirs {
		args, _ := read(path)
		if f := strings.Split(args, "\x00"); f[0] == initName && len(f) > 1 {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			of, _, _ := strings.Cut(f[1], "@")
			if o, err := strconv.Atoi(of); err == nil && owner(o) != f[1] {
				if err := end(pid); err != nil {
					return fmt.Errorf("init %d of a dead test bed: %w", pid, err)
				}
			}
		}
	}
	return nil
}
