package nodetest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/testbed"
)

// large writes a model of that many MB into the world: a real one with random bytes behind it, which no reader of GGUF
// looks at.
func large(t *testing.T, w *world, megabytes int) (path string, content []byte) {
	t.Helper()
	text := model(t, w)
	more := make([]byte, megabytes<<20-len(text))
	rand.NewChaCha8([32]byte{7}).Read(more)
	content = append(text, more...)
	w.write("cwd/large.gguf", string(content))
	return filepath.Join(w.dir, "cwd/large.gguf"), content
}

const pushedLarge = ".cache/rbee/models/large/large.gguf"

// kept waits until the host has kept at least so much of the pushed model as comes back after any death, and returns how
// much that is.
func kept(t *testing.T, h *testbed.Host, least int64, r interface{ String() string }) (n int64) {
	t.Helper()
	path := h.Path(filepath.Join(h.Home(""), pushedLarge+".partial.json"))
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var state struct{ Done []int64 }
		if b, err := os.ReadFile(path); err != nil || json.Unmarshal(b, &state) != nil {
			continue
		}
		n = 0
		for _, d := range state.Done {
			n += d
		}
		if n >= least {
			return n
		}
	}
	t.Fatalf("only %d bytes were kept in a minute:\n%s", n, r)
	return 0
}

// The line breaks, or the hive is killed, in the middle of a push: what came is kept, and the next push goes on from
// there. That it does is shown by a byte that is changed meanwhile: it is not sent again, and found out at the end.
func TestFaultAPushGoesOnWhereItWasCutOrKilled(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{})
	for i, fault := range []string{"cut", "killed"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			h := b.Hosts[i]
			visited(t, h, programs.Fake)
			w := newWorld(t, b, programs.Fake)
			path, content := large(t, w, 24)
			if err := h.Slow(testbed.Line{Rate: 32e6}); err != nil { // 6 s
				t.Fatal(err)
			}
			push := []string{"model", "pull", path, "--push", "--node", h.Name, "--lease", "3s"}
			r := w.rbee(push...)
			kept(t, h, 4<<20, r.Stderr)
			if fault == "cut" {
				if err := h.Cut(testbed.DropBoth); err != nil {
					t.Fatal(err)
				}
			} else if _, err := h.Kill(testbed.Named("rbee-hive")); err != nil {
				t.Fatal(err)
			}
			r.Want(1, "NODE_LOST", "node: "+h.Name)
			r.Clean(0)
			if fault == "cut" {
				nothingRuns(t, h, 5*time.Second)
			}
			if err := h.Heal(); err != nil {
				t.Fatal(err)
			}

			partial := h.Path(filepath.Join(h.Home(""), pushedLarge+".partial"))
			flip(t, partial, 100)
			w.rbee(push...).Want(1, "MODEL_CORRUPT", "the control node")
			if left, err := os.ReadDir(filepath.Dir(partial)); err == nil && len(left) > 0 {
				t.Errorf("wrong bytes are kept: %v", left)
			}

			if err := h.Slow(testbed.Line{Rate: 32e6}); err != nil {
				t.Fatal(err)
			}
			r = w.rbee(push...)
			kept(t, h, 4<<20, r.Stderr)
			_ = r.Cmd.Process.Signal(os.Interrupt)
			r.Want(130)
			r.Clean(0)
			if err := h.Heal(); err != nil {
				t.Fatal(err)
			}
			w.rbee(push...).Want(0)
			if got, err := os.ReadFile(h.Path(filepath.Join(h.Home(""), pushedLarge))); err != nil || !bytes.Equal(got, content) {
				t.Errorf("another file came: %v", err)
			}
			nothingRuns(t, h, 0)
		})
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 1
	if _, err := f.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}

// A push fills a slow line, and heartbeats still get through: what is on its way is bounded by what the line carries in
// a part of a second, not by the windows of its streams, which would take longer than the lease.
func TestFaultAPushOverASlowLineDoesNotStarveTheHeartbeats(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	path, content := large(t, w, 3)
	if err := h.Slow(testbed.Line{Rate: 1.6e6, Delay: 20 * time.Millisecond}); err != nil { // 200 kB/s: 16 s
		t.Fatal(err)
	}
	r := w.rbee("model", "pull", path, "--push", "--node", "h1", "--lease", "2s")
	r.Want(0)
	r.Clean(0)
	if got, err := os.ReadFile(h.Path(filepath.Join(h.Home(""), pushedLarge))); err != nil || !bytes.Equal(got, content) {
		t.Errorf("another file came: %v", err)
	}
	nothingRuns(t, h, 0)
}

func TestFaultAPushToAFullDiskLeavesNothing(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{})
	h1, h2 := b.Host("h1"), b.Host("h2")
	visited(t, h1, programs.Fake)
	visited(t, h2, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	path, _ := large(t, w, 4)
	if err := h1.FillDisk(1 << 20); err != nil {
		t.Fatal(err)
	}
	r := w.rbee("model", "pull", path, "--push", "--node", "h1,h2")
	r.Want(1, "DISK_FULL", "node: h1", "(4194304 bytes) are needed")
	if !strings.Contains(r.Stdout.String(), "large is on h2 now") {
		t.Errorf("one full disk held up the other node: %s", r.Stdout)
	}
	if left, err := os.ReadDir(h1.Path(filepath.Join(h1.Home(""), ".cache/rbee/models/large"))); err == nil && len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	empty(t, b)
}
