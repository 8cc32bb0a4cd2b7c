package supervisor

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"rbee/internal/fault"
	"rbee/internal/proc"
	"rbee/internal/transport"
)

// Process is a started child, here or on another machine.
type Process interface {
	// Stream is the child's stdin and stdout. Its Close unblocks both directions.
	Stream() io.ReadWriteCloser
	// Stderr is read to its end by the link.
	Stderr() io.Reader
	// Exited is closed when the child's end is proven.
	Exited() <-chan struct{}
	// Cause says how it ended: "signal: killed", "exit status 3". Only after Exited.
	Cause() string
	// Signal sends a signal to the child's whole process group, if it can still be reached.
	Signal(syscall.Signal)
	// Sweep kills every process of the run at or below that life, by identity, and returns what it could not end.
	Sweep(ctx context.Context, run, life string) (left []proc.Found)
	// Tidy ends orphans that came home from the child; it is the cheap part of Sweep.
	Tidy()
	// Release frees what this side holds, once the child is gone.
	Release()
}

// Spawner starts a program somewhere.
type Spawner interface {
	// Start starts one of rbee's programs with env added to its environment. death is the signal the child gets
	// when its owner dies, where the system can do that.
	Start(program string, args, env []string, death syscall.Signal) (Process, error)
}

// Local starts programs on this machine, found beside this program's own executable.
type Local struct{}

// Start implements Spawner.
func (Local) Start(program string, args, env []string, death syscall.Signal) (Process, error) {
	path, err := Beside(program)
	if err != nil {
		return nil, err
	}
	p, err := proc.Start(proc.Command{Path: path, Args: args, Env: env, OwnerDeath: death})
	if err != nil {
		return nil, err
	}
	return localProcess{p}, nil
}

// Beside finds one of rbee's programs in the folder of the running one.
func Beside(program string) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	path := filepath.Join(filepath.Dir(exe), program)
	if st, err := os.Stat(path); err != nil || st.IsDir() {
		return "", fault.New(fault.Internal, "%s is not beside %s", program, exe).
			WithHint("the four programs of rbee belong in one folder: install %s into %s", program, filepath.Dir(exe))
	}
	return path, nil
}

type localProcess struct{ *proc.Process }

func (p localProcess) Stream() io.ReadWriteCloser { return p.Process.Stream() }
func (p localProcess) Stderr() io.Reader          { return p.Process.Stderr() }

func (p localProcess) Sweep(ctx context.Context, run, life string) []proc.Found {
	proc.EndStrays()
	_, left := proc.End(ctx, func(f proc.Found) bool { return f.Run == run && transport.Within(f.Life, life) })
	return left
}

func (p localProcess) Tidy() { proc.EndStrays() }

func (p localProcess) Release() { p.Process.Release() }
