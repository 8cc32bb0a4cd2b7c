package proc

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Command says what to start.
type Command struct {
	Path string
	Args []string // without argv[0]
	Env  []string // added to this process's environment, replacing what it had by the same name
	// OwnerDeath is sent to the child when this process dies (Linux). SIGKILL for a process whose native code may
	// hang; SIGCONT for one that must clean up below itself first: it wakes a frozen child, which then reads the
	// end of its stream.
	OwnerDeath syscall.Signal
}

// Process is a child of this process.
type Process struct {
	Identity
	stream *Stream
	stderr *os.File
	done   chan struct{}
	state  *os.ProcessState // after done
}

// spawned holds every child that was started and not yet reaped.
var spawned = struct {
	sync.Mutex
	m map[int]*Process
}{m: map[int]*Process{}}

var (
	spawnerOnce sync.Once
	spawner     = make(chan func())
)

// onSpawner runs f on the one thread that does every start. The thread never ends: a parent-death signal belongs
// to the thread that forked, and one that ended took a child with it after 53 ms.
func onSpawner(f func()) {
	spawnerOnce.Do(func() {
		go func() {
			runtime.LockOSThread()
			for f := range spawner {
				f()
			}
		}()
	})
	done := make(chan struct{})
	spawner <- func() { defer close(done); f() }
	<-done
}

// Start starts a child. Its stdin and stdout are [Process.Stream], its stderr is [Process.Stderr].
func Start(c Command) (*Process, error) {
	var files [6]*os.File // in, out, err: child's end, then ours
	closeAll := func(from, step int) {
		for i := from; i < len(files); i += step {
			if files[i] != nil {
				files[i].Close()
			}
		}
	}
	for i := 0; i < len(files); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(0, 1)
			return nil, fmt.Errorf("cannot make a pipe: %w", err)
		}
		if files[i], files[i+1] = w, r; i == 0 {
			files[i], files[i+1] = r, w
		}
	}
	attr := &os.ProcAttr{Env: environ(c.Env), Files: []*os.File{files[0], files[2], files[4]}, Sys: sysProcAttr(c.OwnerDeath)}
	p := &Process{done: make(chan struct{}), stream: &Stream{r: files[3], w: files[1]}, stderr: files[5]}
	var (
		osp *os.Process
		err error
	)
	onSpawner(func() {
		spawned.Lock()
		defer spawned.Unlock()
		if osp, err = os.StartProcess(c.Path, append([]string{c.Path}, c.Args...), attr); err == nil {
			spawned.m[osp.Pid] = p
		}
	})
	closeAll(0, 2)
	if err != nil {
		closeAll(1, 2)
		return nil, fmt.Errorf("cannot start %s: %w", c.Path, err)
	}
	p.Identity = IdentityOf(osp.Pid)
	go p.wait(osp)
	return p, nil
}

// wait sees the end, ends what is left of the group, and reaps. Never exec.Cmd.Wait: that one waits for whoever
// holds stderr.
func (p *Process) wait(osp *os.Process) {
	if waitExit(osp.Pid) { // a zombie: reap it under the lock, so that Signal never meets a pid that is free again
		_ = syscall.Kill(-osp.Pid, syscall.SIGKILL)
		spawned.Lock()
		p.state, _ = osp.Wait()
	} else {
		p.state, _ = osp.Wait()
		_ = syscall.Kill(-osp.Pid, syscall.SIGKILL)
		spawned.Lock()
	}
	delete(spawned.m, osp.Pid)
	spawned.Unlock()
	close(p.done)
}

// Stream is the child's stdin and stdout.
func (p *Process) Stream() *Stream { return p.stream }

// Stderr is the child's stderr. The reader closes it.
func (p *Process) Stderr() *os.File { return p.stderr }

// Exited is closed when the kernel said that the child ended, and what was left of its group was killed.
func (p *Process) Exited() <-chan struct{} { return p.done }

// Cause says how the child ended ("exit status 1", "signal: killed"); "" while it runs.
func (p *Process) Cause() string {
	select {
	case <-p.done:
		if p.state == nil {
			return "unknown"
		}
		return p.state.String()
	default:
		return ""
	}
}

// Wait waits for [Process.Exited] and returns the kernel's word on how the child ended; nil if it gave none.
func (p *Process) Wait() *os.ProcessState {
	<-p.done
	return p.state
}

// Signal sends a signal to the child's process group, and does nothing once the child was reaped.
func (p *Process) Signal(s syscall.Signal) {
	spawned.Lock()
	defer spawned.Unlock()
	if spawned.m[p.PID] == p {
		_ = syscall.Kill(-p.PID, s)
	}
}

// KillAll kills the group of every child of this process. It is a last will: it waits for nothing.
func KillAll() {
	spawned.Lock()
	defer spawned.Unlock()
	for pid := range spawned.m {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// environ is this process's environment with some variables replaced.
func environ(set []string) []string {
	var names = map[string]bool{}
	for _, kv := range set {
		names[name(kv)] = true
	}
	var env []string
	for _, kv := range os.Environ() {
		if !names[name(kv)] {
			env = append(env, kv)
		}
	}
	return append(env, set...)
}

func name(kv string) string {
	for i := 0; i < len(kv); i++ {
		if kv[i] == '=' {
			return kv[:i]
		}
	}
	return kv
}

// Release closes the stream, and ends the reading of stderr soon: what the child wrote last is still read, but a
// grandchild that holds the pipe open does not hold the reader.
func (p *Process) Release() {
	p.stream.Close()
	_ = p.stderr.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
}
