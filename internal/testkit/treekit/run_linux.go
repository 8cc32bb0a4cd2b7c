package treekit

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rbee/internal/api"
	"rbee/internal/proc"
	"rbee/internal/testkit"
)

// Run is one command that starts a tree, in folders of its own.
type Run struct {
	T      *testing.T
	Cmd    *exec.Cmd
	Dir    string // of its folders
	Began  time.Time
	Stdout *Watched
	Stderr *Watched
	Root   string // identity of the command, which every process below it on this machine carries
}

// Start starts a command line. At the end of the test it is killed, and nothing of its tree may be left then.
func Start(t *testing.T, dir string, env []string, line ...string) *Run {
	t.Helper()
	r := &Run{T: t, Dir: dir, Cmd: exec.Command(line[0], line[1:]...)}
	r.Cmd.Env = env
	out, err1 := r.Cmd.StdoutPipe()
	errs, err2 := r.Cmd.StderrPipe()
	if err := errors.Join(err1, err2, r.Cmd.Start()); err != nil {
		t.Fatal(err)
	}
	r.Began = time.Now()
	r.Root = proc.IdentityOf(r.Cmd.Process.Pid).String()
	r.Stdout, r.Stderr = Watch(out), Watch(errs)
	t.Cleanup(func() {
		r.Cmd.Process.Kill()
		for _, f := range r.Below("") {
			t.Errorf("left at the end of the test: %v %s", f, f.Life)
		}
	})
	return r
}

// Below lists the living processes of the run on this machine whose life ends in that name ("" = all). The command
// itself is not among them.
func (r *Run) Below(name string) []proc.Found {
	return proc.Find(func(f proc.Found) bool {
		base := f.Life[strings.LastIndex(f.Life, "~")+1:]
		return f.Root == r.Root && strings.HasPrefix(base, name)
	})
}

// One returns the only process of that name.
func (r *Run) One(name string) proc.Found {
	r.T.Helper()
	fs := r.Below(name)
	if len(fs) != 1 {
		r.T.Fatalf("%d processes called %s, want 1: %v\n%s", len(fs), name, fs, r.Stderr)
	}
	return fs[0]
}

// End waits for the command and returns its exit code.
func (r *Run) End() int {
	r.T.Helper()
	r.Stdout.Over()
	r.Stderr.Over()
	err := r.Cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.T.Fatal(err)
	}
	return r.Cmd.ProcessState.ExitCode()
}

// Clean checks from outside that the run left nothing on this machine within the limit: no process, no socket, no
// half-written file.
func (r *Run) Clean(limit time.Duration) {
	r.T.Helper()
	deadline := time.Now().Add(limit)
	left := r.Below("")
	for ; len(left) > 0 && time.Now().Before(deadline); left = r.Below("") {
		if _, err := testkit.WaitGone(time.Until(deadline), func(p testkit.Process) bool {
			for _, f := range left {
				if p.PID == f.PID {
					return true
				}
			}
			return false
		}); err != nil {
			r.T.Fatal(err)
		}
	}
	if len(left) > 0 {
		r.T.Errorf("alive after %v: %v\n%s", limit, left, r.Stderr)
	}
	files, err := testkit.Leftovers(r.Dir)
	if err != nil || len(files) > 0 {
		r.T.Errorf("left: %v %v", files, err)
	}
}

// Want checks the exit code and what stderr says.
func (r *Run) Want(code int, says ...string) {
	r.T.Helper()
	if got := r.End(); got != code {
		r.T.Errorf("exit code %d, want %d\nstdout: %.500s\nstderr: %s", got, code, r.Stdout, r.Stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.Stderr.String(), s) {
			r.T.Errorf("stderr does not say %q:\n%s", s, r.Stderr)
		}
	}
}

// Receipt is the last line of a --json run.
func (r *Run) Receipt() (rc api.Receipt) {
	r.T.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &rc); err != nil || !strings.Contains(lines[len(lines)-1], `"type":"stopped"`) {
		r.T.Fatalf("the last line is no receipt: %v\n%s\n%s", err, r.Stdout, r.Stderr)
	}
	return rc
}
