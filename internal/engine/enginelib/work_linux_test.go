package enginelib

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The install that is killed is the test binary itself, with the folder to install into in this variable.
const victimVariable = "RBEE_TEST_INSTALL_INTO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimVariable); dir != "" {
		t, _ := HostTarget()
		fmt.Println(install(context.Background(), dir, t, nil))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// startInstall starts an install and returns when its npm runs, which never ends by itself. gone blocks until that
// npm is dead.
func startInstall(t *testing.T, dir string) (c *exec.Cmd, gone func()) {
	t.Helper()
	bin := t.TempDir()
	fifo := filepath.Join(bin, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\nexec sleep 600 9>'"+fifo+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c = exec.Command(os.Args[0])
	c.Env = append(os.Environ(), victimVariable+"="+dir, "PATH="+bin+":/usr/bin:/bin")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	f, err := os.Open(fifo) // until npm opens it too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return c, func() { _, _ = f.Read(make([]byte, 1)) }
}

func TestTheNextInstallRemovesWhatAKilledOneLeftAndNothingOfALivingOne(t *testing.T) {
	parent := t.TempDir()
	count := func() int {
		return len(slices.DeleteFunc(names(t, parent), func(n string) bool { return !strings.HasSuffix(n, ".partial") }))
	}
	dead, gone := startInstall(t, filepath.Join(parent, "one"))
	_ = dead.Process.Kill()
	_ = dead.Wait()
	gone() // npm died with it
	if count() != 1 {
		t.Fatalf("the killed install left %v, want one work folder", names(t, parent))
	}
	living, gone := startInstall(t, filepath.Join(parent, "two"))
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	dir := filepath.Join(parent, "engine")
	if err := install(context.Background(), dir, target, nil); err != nil {
		t.Fatal(err)
	}
	if count() != 1 {
		t.Errorf("%v, want the work folder of the living install only", names(t, parent))
	}
	_ = living.Process.Kill()
	_ = living.Wait()
	gone()
	if err := install(context.Background(), dir, target, nil); err != nil { // which has nothing to do but this
		t.Fatal(err)
	}
	if got := names(t, parent); !slices.Equal(got, []string{"engine"}) {
		t.Errorf("left: %v", got)
	}
}
