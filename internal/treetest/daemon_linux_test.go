package treetest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testkit"
	"rbee/internal/testkit/treekit"
)

// daemon is one `queen-rbee daemon` in folders of its own.
type daemon struct {
	t           *testing.T
	cmd         *exec.Cmd
	bin         string
	dir, socket string
	log         *treekit.Watched
}

// startDaemon starts one, with more environment and flags, and returns when it serves.
func startDaemon(t *testing.T, bin string, env []string, flags ...string) *daemon {
	t.Helper()
	dir := t.TempDir()
	short, err := os.MkdirTemp("", "q") // a test's own folder may not fit into a socket address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	d := &daemon{t: t, bin: bin, dir: dir, socket: filepath.Join(short, "q", "queen.sock")}
	d.cmd = exec.Command(bin+"/queen-rbee", append([]string{"daemon", "--socket", d.socket, "--lease", "5s", "--grace", grace.String()}, flags...)...)
	d.cmd.Env = environment(dir, env...)
	errs, err := d.cmd.StderrPipe()
	if err := errors.Join(err, d.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill() })
	d.log = treekit.Watch(errs)
	if !d.log.Wait(`"serving"`) {
		t.Fatal(d.log)
	}
	return d
}

// ask runs `rbee infer` on it, checks exit code and a part of what it prints, and returns all of that.
func (d *daemon) ask(code int, says string, flags ...string) string {
	d.t.Helper()
	c := exec.Command(d.bin+"/rbee", append([]string{"infer", "--model", "demo", "--prompt", "hello world", "--temperature", "0", "--socket", d.socket}, flags...)...)
	c.Env = environment(d.dir)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
		d.t.Fatalf("ended with %v, want %d and %q\n%s\nthe daemon: %s", err, code, says, out, d.log)
	}
	return string(out)
}

// stop asks it to stop and checks its exit code, and that nothing is left.
func (d *daemon) stop(code int) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	d.log.Over()
	if err := d.cmd.Wait(); d.cmd.ProcessState.ExitCode() != code {
		d.t.Errorf("the daemon ended with %v\n%s", err, d.log)
	}
	if left, err := testkit.Leftovers(d.dir); err != nil || len(left) > 0 {
		d.t.Errorf("left: %v %v", left, err)
	}
	if left, err := os.ReadDir(filepath.Dir(d.socket)); err != nil || len(left) > 0 {
		d.t.Errorf("left beside the socket: %v %v", left, err)
	}
}

// A daemon has no end at which it could count: the numbers must be there while it runs.
func TestTreeDaemonCountsProcessesAsTheyComeAndGo(t *testing.T) {
	t.Parallel()
	exports, done := make(chan []byte), make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case exports <- b:
		case <-done:
		}
	}))
	defer collector.Close()
	defer close(done)
	d := startDaemon(t, fake, []string{"OTEL_METRICS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL,
		"OTEL_METRIC_EXPORT_INTERVAL=50", "RBEE_FAKE_ENGINE=tokens=2"}, "--keep-alive", "100ms")
	until := func(names ...string) {
		for late := time.After(20 * time.Second); ; {
			select {
			case b := <-exports:
				if !slices.ContainsFunc(names, func(n string) bool { return !bytes.Contains(b, []byte(n)) }) {
					return
				}
			case <-late:
				t.Errorf("never exported: %v", names)
				return
			}
		}
	}
	d.ask(0, "tok1")
	until("rbee.process.started", "rbee-hive", "llm-worker-rbee")
	until("rbee.process.stopped", "llm-worker-rbee") // idle for its time
	d.log.Wait("worker-0.1 on localhost exited")
	counted := make(chan struct{})
	go func() { defer close(counted); until("rbee.cleanup", "clean") }()
	d.stop(0)
	<-counted
}
