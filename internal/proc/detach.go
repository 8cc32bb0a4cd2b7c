package proc

import (
	"fmt"
	"os"
	"syscall"
)

// Detached is a process that is meant to outlive this one: it has no owner.
type Detached struct {
	Identity
	exited chan struct{}
	state  *os.ProcessState // after exited
}

// Detach starts a program in a session of its own, without a terminal and without anything of this process's but its
// environment: stdin is empty, stdout and stderr go to the file out.
func Detach(path string, args, env []string, out *os.File) (*Detached, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	p, err := os.StartProcess(path, append([]string{path}, args...), &os.ProcAttr{Env: env, Files: []*os.File{null, out, out}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", path, err)
	}
	d := &Detached{Identity: IdentityOf(p.Pid), exited: make(chan struct{})}
	go func() {
		d.state, _ = p.Wait()
		close(d.exited)
	}()
	return d, nil
}

// Exited is closed if it ends while this process is there to see it.
func (d *Detached) Exited() <-chan struct{} { return d.exited }

// Cause says how it ended. Only after Exited.
func (d *Detached) Cause() string {
	if d.state == nil {
		return "unknown"
	}
	return d.state.String()
}

// Signal sends a signal to this very process, and to no other that has got its pid since.
func (id Identity) Signal(s syscall.Signal) error {
	p, err := os.FindProcess(id.PID) // on Linux a handle of the process, not of the number
	if err != nil {
		return err
	}
	defer p.Release()
	if !id.Alive() {
		return os.ErrProcessDone
	}
	return p.Signal(s)
}
