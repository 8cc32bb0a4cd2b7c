package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// self is the test binary as rbee.
func self(t *testing.T, d *testDaemon, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Env = append(os.Environ(), "RBEE_TEST_MAIN=1", "RBEE_SOCKET="+d.socket(), "RBEE_QUEEN=", "HOME="+t.TempDir())
	return c
}

func TestBlockedStdoutDoesNotKeepTheCommandAlive(t *testing.T) {
	d, err := startDaemon("flood", "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	r, w, err := os.Pipe() // which nobody reads further than its first byte
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := self(t, d, "infer", "--model", "demo", "--prompt", "hi", "--json")
	c.Stdout = w
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	watchdog := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
	defer watchdog.Stop()
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = c.Process.Signal(syscall.SIGINT)
	for said := ""; !strings.Contains(said, "cancelling"); { // else the kernel may make one of two signals
		b := make([]byte, 4096)
		n, err := stderr.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, said)
		}
		said += string(b[:n])
	}
	_ = c.Process.Signal(syscall.SIGINT)
	_, _ = io.Copy(io.Discard, stderr)
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Fatalf("got %v, want exit code 130", err)
	}
}
