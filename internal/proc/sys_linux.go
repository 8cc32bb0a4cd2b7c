package proc

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func dup2(old, new int) error { return unix.Dup3(old, new, 0) }

// BecomeSubreaper makes this process the parent of every orphan below it, so that a grandchild that left its
// group comes home when its own parent dies.
func BecomeSubreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	subreaper.Store(true)
	return nil
}

// subreaper: only then is a child that was not started here an orphan that came home.
var subreaper atomic.Bool

func sysProcAttr(death syscall.Signal) *syscall.SysProcAttr {
	// Setpgid, never Setsid: an orphaned *group* with a stopped member still gets its SIGHUP and SIGCONT.
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
}

// waitExit returns true when the process has ended and is still a zombie: its pid and group id cannot be reused yet.
func waitExit(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}

// strayTime bounds the wait for killed strays; only one in uninterruptible sleep takes longer than a millisecond.
const strayTime = 200 * time.Millisecond

// EndStrays kills and reaps the children of this process that it did not start: orphans that came home to it as
// subreaper, and then what comes home from those. It returns how many there were, when they are gone or strayTime
// is over; in a process that is no subreaper there are none. A look takes a millisecond, and when many children end at
// once each of them asks for one: who asks before a look has begun shares it.
func EndStrays() int {
	if !subreaper.Load() {
		return 0
	}
	looks.Lock()
	l := looks.next
	if l != nil {
		looks.Unlock()
		<-l.done
		return l.strays
	}
	l = &look{done: make(chan struct{})}
	looks.next = l
	looks.Unlock()

	looks.now.Lock()
	defer looks.now.Unlock()
	looks.Lock()
	looks.next = nil // who comes now may mean a stray that this look has passed
	looks.Unlock()
	l.strays = endStrays()
	close(l.done)
	return l.strays
}

// look is one search for strays.
type look struct {
	done   chan struct{}
	strays int // after done
}

var looks struct {
	sync.Mutex
	next *look      // not begun yet
	now  sync.Mutex // held by the one that is under way
}

func endStrays() int {
	seen := map[int]bool{}
	for late := time.After(strayTime); ; {
		var dying []<-chan struct{}
		for _, pid := range killStrays() {
			seen[pid] = true
			dying = append(dying, reap(pid))
		}
		for _, dead := range dying {
			select {
			case <-dead:
			case <-late:
				return len(seen)
			}
		}
		if len(dying) == 0 {
			return len(seen)
		}
	}
}

func killStrays() (pids []int) {
	spawned.Lock() // nothing may be started between the look and the kill
	defer spawned.Unlock()
	for _, pid := range children() {
		if _, ours := spawned.m[pid]; !ours {
			_ = unix.Kill(pid, unix.SIGKILL)
			pids = append(pids, pid)
		}
	}
	return pids
}

func reap(pid int) <-chan struct{} {
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		var ws unix.WaitStatus
		for {
			if _, err := unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
				return
			}
		}
	}()
	return dead
}

func children() (pids []int) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		for _, f := range strings.Fields(string(b)) {
			if p, err := strconv.Atoi(f); err == nil {
				pids = append(pids, p)
			}
		}
	}
	return pids
}
