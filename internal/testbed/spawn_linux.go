package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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
		apart(func() error {
			for start := range s.starts {
				start()
			}
			return nil
		})
	}()
	return s
}

func (s *spawner) close() {
	close(s.starts)
	<-s.ended
}

// init starts the init of a host of that owner, with that log and control socket, in namespaces of its own.
func (s *spawner) init(log, control *os.File, owner string) (p *os.Process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return s.start(self, []string{initName, owner}, &os.ProcAttr{
		Env:   []string{"PATH=" + systemPath},
		Files: []*os.File{null, log, log, control},
		Sys:   &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC},
	})
}

// start starts a process that gets SIGKILL when the test process ends.
func (s *spawner) start(path string, args []string, attr *os.ProcAttr) (p *os.Process, err error) {
	attr.Sys.Setsid, attr.Sys.Pdeathsig = true, unix.SIGKILL
	err = s.do(func() error {
		p, err = os.StartProcess(path, args, attr)
		return err
	})
	return p, err
}

// do runs f on the spawner's thread.
func (s *spawner) do(f func() error) error {
	done := make(chan error)
	s.starts <- func() { done <- f() }
	return <-done
}

// Start starts a program of the test on this side, such as a client, so that it gets SIGKILL when the test process
// ends, however that ends, and when the bed does: a client is not told that its host has vanished.
func (b *Bed) Start(c *exec.Cmd) error {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Pdeathsig = unix.SIGKILL
	return b.spawn.do(c.Start)
}

// owner names a life of a process: its pid, and when it began.
func owner(pid int) string {
	p, ok := readProcess(pid)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d@%d", pid, p.start)
}

// sweep ends what still lives of beds whose owner is dead: inits, and what servers without root left. There is
// none, unless a process left its session, or was stopped, or a kernel kept it.
func sweep() error {
	all, err := processes(func(int) bool { return true })
	for _, p := range all {
		// Beds inside our hosts name owners that we do not see, and are deeper.
		of := ""
		switch {
		case p.depth == 1:
			of, _, _ = strings.Cut(p.server, "/")
		case p.depth == 2 && len(p.Args) > 1 && p.Args[0] == initName:
			of = p.Args[1]
		}
		pid, _, _ := strings.Cut(of, "@")
		if o, e := strconv.Atoi(pid); e == nil && owner(o) != of {
			if e := end(p.PID); e != nil {
				err = errors.Join(err, fmt.Errorf("left by a dead test bed: %v: %w", p, e))
			}
		}
	}
	return err
}
