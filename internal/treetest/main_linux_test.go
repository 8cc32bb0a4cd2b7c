package treetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rbee/internal/api"
	"rbee/internal/proc"
	"rbee/internal/testkit"
)

// Folders of the programs: as they ship, with a worker whose engine misbehaves, and with one program (the key) that is
// late to come up (package testkit/cmd/late).
var (
	real, fake string
	late       = map[string]string{}
)

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "treetest")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	real, fake = filepath.Join(dir, "real"), filepath.Join(dir, "fake")
	run := func(args ...string) {
		c := exec.Command("go", args...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("go %v: %v\n%s", args, err, out))
		}
	}
	programs := []string{"rbee/cmd/rbee", "rbee/cmd/queen-rbee", "rbee/cmd/rbee-hive"}
	run(append([]string{"build", "-o", real + "/", "rbee/cmd/llm-worker-rbee"}, programs...)...)
	run("build", "-o", fake+"/llm-worker-rbee", "rbee/internal/testkit/cmd/fakeworker")
	run("build", "-o", dir+"/late", "rbee/internal/testkit/cmd/late")
	link := func(from, to string) {
		if err := os.Link(from, to); err != nil {
			panic(err)
		}
	}
	for _, p := range programs {
		link(filepath.Join(real, filepath.Base(p)), filepath.Join(fake, filepath.Base(p)))
	}
	names := []string{"rbee", "queen-rbee", "rbee-hive", "llm-worker-rbee"}
	for _, slow := range names[2:] {
		late[slow] = filepath.Join(dir, "late-"+slow)
		if err := os.Mkdir(late[slow], 0o700); err != nil {
			panic(err)
		}
		for _, p := range names {
			from := filepath.Join(fake, p)
			if p == slow {
				from = filepath.Join(dir, "late")
			}
			link(from, filepath.Join(late[slow], p))
		}
	}
	return m.Run()
}

// run is one `rbee infer` in folders of its own.
type run struct {
	t      *testing.T
	cmd    *exec.Cmd
	dir    string
	began  time.Time
	stdout *watched
	stderr *watched
	root   string // identity of the keeper, which every process below carries
}

// watched is an output that can be waited on.
type watched struct {
	mu   sync.Mutex
	cond *sync.Cond
	b    bytes.Buffer
	eof  bool
}

func newWatched(r io.Reader) *watched {
	w := &watched{}
	w.cond = sync.NewCond(&w.mu)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			w.mu.Lock()
			w.b.Write(buf[:n])
			w.eof = w.eof || err != nil
			w.cond.Broadcast()
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

// wait returns when text was written, or the output is over.
func (w *watched) wait(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !strings.Contains(w.b.String(), text) && !w.eof {
		w.cond.Wait()
	}
	return strings.Contains(w.b.String(), text)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// lease and grace of the tests; what they allow for the end of a run whose part was killed or frozen.
const (
	lease   = time.Second
	grace   = time.Second
	allowed = lease + grace + 1500*time.Millisecond
)

func environment(dir string, more ...string) []string {
	env := append(os.Environ(), "XDG_STATE_HOME="+dir+"/state", "XDG_RUNTIME_DIR="+dir+"/run", "XDG_CACHE_HOME="+dir+"/cache",
		"RBEE_MODELS_DIR="+dir+"/models", "RBEE_LEASE="+lease.String())
	return append(env, more...)
}

// infer starts `rbee infer --model demo` with more arguments and environment ("NAME=value" before the first flag).
func infer(t *testing.T, bin string, args ...string) *run {
	t.Helper()
	return inferBy(t, nil, bin, args...)
}

// inferBy is infer, started by another command that takes the command line at its end and becomes it (exec).
func inferBy(t *testing.T, by []string, bin string, args ...string) *run {
	t.Helper()
	r := &run{t: t, dir: t.TempDir()}
	if err := os.Mkdir(r.dir+"/run", 0o700); err != nil {
		t.Fatal(err)
	}
	var env []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		env, args = append(env, args[0]), args[1:]
	}
	line := slices.Concat(by, []string{bin + "/rbee", "infer", "--model", "demo", "--prompt", "hello world", "--grace", grace.String()}, args)
	r.cmd = exec.Command(line[0], line[1:]...)
	r.cmd.Env = environment(r.dir, env...)
	out, err1 := r.cmd.StdoutPipe()
	errs, err2 := r.cmd.StderrPipe()
	if err := errors.Join(err1, err2, r.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	r.began = time.Now()
	r.root = proc.IdentityOf(r.cmd.Process.Pid).String()
	r.stdout, r.stderr = newWatched(out), newWatched(errs)
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		for _, f := range r.below("") {
			t.Errorf("left at the end of the test: %v %s", f, f.Life)
		}
	})
	return r
}

// below lists the living processes of the run whose life ends in that name ("" = all, the keeper not).
func (r *run) below(name string) []proc.Found {
	return proc.Find(func(f proc.Found) bool {
		base := f.Life[strings.LastIndex(f.Life, "~")+1:]
		return f.Root == r.root && strings.HasPrefix(base, name)
	})
}

// one returns the only process of that name.
func (r *run) one(name string) proc.Found {
	r.t.Helper()
	fs := r.below(name)
	if len(fs) != 1 {
		r.t.Fatalf("%d processes called %s, want 1: %v\n%s", len(fs), name, fs, r.stderr)
	}
	return fs[0]
}

// end waits for the keeper and returns its exit code.
func (r *run) end() int {
	r.t.Helper()
	r.stdout.wait("\x00 never")
	r.stderr.wait("\x00 never")
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return r.cmd.ProcessState.ExitCode()
}

// clean checks from outside that the run left nothing within the limit: no process, no socket, no half-written file.
func (r *run) clean(limit time.Duration) {
	r.t.Helper()
	deadline := time.Now().Add(limit)
	left := r.below("")
	for ; len(left) > 0 && time.Now().Before(deadline); left = r.below("") {
		if _, err := testkit.WaitGone(time.Until(deadline), func(p testkit.Process) bool {
			for _, f := range left {
				if p.PID == f.PID {
					return true
				}
			}
			return false
		}); err != nil {
			r.t.Fatal(err)
		}
	}
	if len(left) > 0 {
		r.t.Errorf("alive after %v: %v\n%s", limit, left, r.stderr)
	}
	files, err := testkit.Leftovers(r.dir)
	if err != nil || len(files) > 0 {
		r.t.Errorf("left: %v %v", files, err)
	}
}

// want checks the exit code and what stderr says.
func (r *run) want(code int, says ...string) {
	r.t.Helper()
	if got := r.end(); got != code {
		r.t.Errorf("exit code %d, want %d\nstdout: %.500s\nstderr: %s", got, code, r.stdout, r.stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.stderr.String(), s) {
			r.t.Errorf("stderr does not say %q:\n%s", s, r.stderr)
		}
	}
}

// receipt is the last line of a --json run.
func (r *run) receipt() (rc api.Receipt) {
	r.t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &rc); err != nil || !strings.Contains(lines[len(lines)-1], `"type":"stopped"`) {
		r.t.Fatalf("the last line is no receipt: %v\n%s\n%s", err, r.stdout, r.stderr)
	}
	return rc
}
