package nodetest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// lease is that of the tests in which something is struck; all others have the default, since a noisy machine is no
// failure. grace is everybody's, and proof what it may take to learn that a process on another machine is dead (package
// deploy); a stop waits for a proof as long as its grace allows.
const (
	lease = 2 * time.Second
	grace = 4 * time.Second
	proof = 3 * time.Second
)

// hosts makes a bed: machines of their own, or, without root, sshd processes of this user on loopback.
func hosts(t *testing.T, specs ...testbed.Spec) *testbed.Bed {
	t.Helper()
	return testbed.New(t, specs...)
}

// needs leaves a test out if what it is about cannot be had here. What was left out is listed at the end of make test
// (package testkit/cmd/totals, which takes no other reason to skip a test, and not even this one from root).
func needs(t *testing.T, can bool, what string) {
	t.Helper()
	if !can {
		t.Skipf("left out, since it needs root: %s", what)
	}
}

// asked leaves a test out if its host is not what it was to be.
func asked(t *testing.T, h *testbed.Host) {
	t.Helper()
	needs(t, len(h.Lacks()) == 0, strings.Join(h.Lacks(), ", "))
}

// engine is a host's line that tells the fake workers there what to do.
func engine(script string, worker ...string) []string {
	line := `SetEnv "RBEE_FAKE_ENGINE=` + script + `"`
	for _, w := range worker {
		line += ` "RBEE_FAKE_WORKER=` + w + `"`
	}
	return []string{line}
}

// world is a user on this machine: a home with an ssh configuration, and the folders of rbee.
type world struct {
	t   *testing.T
	dir string
	bin string
}

// newWorld makes one whose ssh configuration is the bed's, with more lines in front of it.
func newWorld(t *testing.T, b *testbed.Bed, bin string, config ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), bin: bin}
	for _, d := range []string{"run", ".ssh", "cwd"} {
		if err := os.Mkdir(filepath.Join(w.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.write(".ssh/config", strings.Join(append(config, "Include "+b.SSHConfig), "\n")+"\n")
	return w
}

// write writes a file of the home.
func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) environment(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "SSH_") && !strings.HasPrefix(kv, "RBEE_") {
			env = append(env, kv)
		}
	}
	env = append(env, "HOME="+w.dir, "XDG_STATE_HOME="+w.dir+"/state", "XDG_RUNTIME_DIR="+w.dir+"/run", "XDG_CACHE_HOME="+w.dir+"/cache",
		"XDG_CONFIG_HOME="+w.dir+"/.config", "RBEE_ENGINE_DIR="+os.Getenv("RBEE_ENGINE_DIR"), "RBEE_BUNDLES="+bundles[w.bin], "RBEE_LISTEN=none")
	return append(env, more...)
}

// rbee starts a command of the program, with more environment ("NAME=value" before the first word without =).
func (w *world) rbee(args ...string) *treekit.Run {
	w.t.Helper()
	var env []string
	for len(args) > 0 && strings.HasPrefix(args[0], "RBEE_") {
		env, args = append(env, args[0]), args[1:]
	}
	return treekit.Start(w.t, w.dir, w.environment(env...), append([]string{filepath.Join(w.bin, "rbee")}, args...)...)
}

// infer starts `rbee infer` of the demo model on a node.
func (w *world) infer(node string, args ...string) *treekit.Run {
	w.t.Helper()
	var env []string
	for len(args) > 0 && strings.HasPrefix(args[0], "RBEE_") {
		env, args = append(env, args[0]), args[1:]
	}
	line := append(env, "infer", "--node", node, "--prompt", "hello world", "--temperature", "0", "--grace", grace.String())
	if !strings.Contains(strings.Join(args, " "), "--model") {
		line = append(line, "--model", "demo")
	}
	return w.rbee(append(line, args...)...)
}

// ofRuns picks what belongs to some run of rbee.
func ofRuns(p testbed.Process) bool { return p.Run != "" }

// nothingRuns checks, from outside and without the network, that the host has no process of any run within the
// limit, and returns how long that took.
func nothingRuns(t *testing.T, h *testbed.Host, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	if left, err := h.WaitGone(limit, ofRuns); err != nil || len(left) > 0 {
		t.Errorf("%s: alive after %v: %v %v", h.Name, limit, left, err)
	}
	return time.Since(began)
}

// bare checks that the host has nothing of rbee but its cache: no process, no listener but sshd's, no file.
func bare(t *testing.T, h *testbed.Host) {
	t.Helper()
	nothingRuns(t, h, 0)
	listeners, err := h.Listening()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		if l.Address != h.Server() {
			t.Errorf("%s listens: %v", h.Name, l)
		}
	}
	files, err := h.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		cache := h.Home("") + "/.cache/rbee"
		switch {
		case f.UID != h.UID(), f.Path == h.Home("") || f.Path == h.Home("")+"/.cache":
		case f.Path != cache && !strings.HasPrefix(f.Path, cache+"/"):
			t.Errorf("%s: left outside the cache: %v", h.Name, f)
		case f.Mode.Type() == os.ModeSymlink:
		case f.Mode.Perm() != 0o700 && f.Mode.Perm() != 0o600:
			t.Errorf("%s: others may use %v", h.Name, f)
		case f.Mode.Type()&os.ModeSocket != 0, strings.HasSuffix(f.Path, ".partial"), strings.HasSuffix(f.Path, ".db"), strings.Contains(f.Path, ".stage"):
			t.Errorf("%s: left: %v", h.Name, f)
		}
	}
}

// visited puts the bundle of a folder of programs onto a host, as an earlier visit would have left it.
func visited(t *testing.T, h *testbed.Host, bin string) {
	t.Helper()
	if err := unpack(packed[bin].Path, h.Path(filepath.Join(h.Home(""), ".cache/rbee/bundles", packed[bin].Folder())), h.UID()); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{".cache", ".cache/rbee", ".cache/rbee/bundles"} {
		if err := os.Lchown(h.Path(filepath.Join(h.Home(""), d)), h.UID(), h.UID()); err != nil {
			t.Fatal(err)
		}
	}
}

func unpack(bundle, dir string, uid int) error {
	f, err := os.Open(bundle)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.Lchown(dir, uid, uid)); err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		e, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.Clean("/"+e.Name))
		switch e.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(path, e.FileInfo().Mode())
		case tar.TypeSymlink:
			err = os.Symlink(e.Linkname, path)
		default:
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, e.FileInfo().Mode())
			}
		}
		if err = errors.Join(err, os.Lchown(path, uid, uid)); err != nil {
			return err
		}
	}
}
