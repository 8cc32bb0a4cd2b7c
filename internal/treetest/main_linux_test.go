package treetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rbee/internal/testkit/treekit"
)

// run is one `rbee infer`.
type run = treekit.Run

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
	programs, err := treekit.Build(dir)
	if err == nil {
		real, fake = programs.Real, programs.Fake
		err = lateOnes(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// lateOnes makes a folder for each program that can be late.
func lateOnes(dir string) error {
	if err := treekit.Go("build", "-o", dir+"/late", "rbee/internal/testkit/cmd/late"); err != nil {
		return err
	}
	for _, slow := range treekit.Names[2:] {
		late[slow] = filepath.Join(dir, "late-"+slow)
		if err := os.Mkdir(late[slow], 0o700); err != nil {
			return err
		}
		for _, p := range treekit.Names {
			from := filepath.Join(fake, p)
			if p == slow {
				from = filepath.Join(dir, "late")
			}
			if err := os.Link(from, filepath.Join(late[slow], p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lease and grace of the tests; what they allow for the end of a run whose part was killed or frozen.
const (
	lease   = time.Second
	grace   = time.Second
	allowed = lease + grace + 1500*time.Millisecond
)

func environment(dir string, more ...string) []string {
	env := append(os.Environ(), "XDG_STATE_HOME="+dir+"/state", "XDG_RUNTIME_DIR="+dir+"/run", "XDG_CACHE_HOME="+dir+"/cache",
		"RBEE_MODELS_DIR="+dir+"/models", "RBEE_LEASE="+lease.String(), "RBEE_LISTEN=none", "XDG_CONFIG_HOME="+dir+"/config")
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
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/run", 0o700); err != nil {
		t.Fatal(err)
	}
	var env []string
	if bin == real { // nobody dies here: a busy machine that starves a process for a second must not look like a death
		env = append(env, "RBEE_LEASE=")
	}
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		env, args = append(env, args[0]), args[1:]
	}
	return treekit.Start(t, dir, environment(dir, env...),
		slices.Concat(by, []string{bin + "/rbee", "infer", "--model", "demo", "--prompt", "hello world", "--grace", grace.String()}, args)...)
}
