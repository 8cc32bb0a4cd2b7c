package supervisor

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rbee/internal/fault"
	"rbee/internal/proc"
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
	// Signal sends a signal to the child's whole process group, if it can still be reached. It does not block.
	Signal(syscall.Signal)
	// Sweep kills every process of the run at or below that life, by identity. It returns what it could not end,
	// and an error if it cannot know: a machine that does not answer.
	Sweep(ctx context.Context, run, life string) (left []proc.Found, err error)
	// Tidy ends orphans that came home from the child; it is the cheap part of Sweep.
	Tidy()
	// Release frees what this side holds, once the child is gone.
	Release()
	// Where says on which host it runs and as which pid, as far as that is known before it says so itself.
	Where() (host string, pid int)
	// ProofTime is how long a killed child may take to be seen dead before its end counts as unproven.
	ProofTime() time.Duration
}

// Command says what a Spawner is to start.
type Command struct {
	Program string // one of rbee's: "rbee-hive"
	Args    []string
	Env     []string       // added to the environment, NAME=value
	Death   syscall.Signal // sent to the child when its owner dies, where the system can do that
	First   []byte         // what it finds on its stdin first: its Boot
	Silence time.Duration  // how long a started child may say nothing at all
	Lease   time.Duration  // how long the way to it may be silent
	Run     string         // RBEE_RUN_ID and RBEE_LIFE, which Env holds too
	Life    string
	// Say tells the people who wait what takes its time; progress is 0 to 1, or 0 for none. It may be nil.
	Say func(text string, progress float64)
}

// Spawner starts a program somewhere.
type Spawner interface {
	// Start starts a program and writes c.First to it. It may take as long as reaching and preparing a machine
	// takes. When ctx ends before it has returned it gives up, and nothing it started stays.
	Start(ctx context.Context, c Command) (Process, error)
}

// Local starts programs on this machine, found beside this program's own executable.
type Local struct{}

// Start implements Spawner.
func (Local) Start(_ context.Context, c Command) (Process, error) {
	path, err := Beside(c.Program)
	if err != nil {
		return nil, err
	}
	p, err := proc.Start(proc.Command{Path: path, Args: c.Args, Env: c.Env, OwnerDeath: c.Death})
	if err != nil {
		return nil, err
	}
	_, _ = p.Stream().Write(c.First) // fits into the pipe; a child that died at once explains itself
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

func (p localProcess) Sweep(ctx context.Context, run, life string) ([]proc.Found, error) {
	return Sweep(ctx, run, life), nil
}

func (p localProcess) Tidy() { proc.EndStrays() }

func (p localProcess) Release() { p.Process.Release() }

func (p localProcess) Where() (string, int) { return hostname(), p.PID }

func (p localProcess) ProofTime() time.Duration { return proofTime }
