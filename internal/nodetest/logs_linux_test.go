package nodetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/testbed"
)

func TestTreeTheLogsOfANodeAreKeptHereAndNotThere(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{SSHD: engine("tokens=5,garbage=decode@2")})
	h := b.Host("h1")
	w := newWorld(t, b, programs.Fake)
	w.infer("h1").Want(0)
	logs, err := filepath.Glob(filepath.Join(w.dir, "state/rbee/logs/*/*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("%v %v", logs, err)
	}
	said := map[string]string{}
	for _, l := range logs {
		text, err := os.ReadFile(l)
		if err != nil {
			t.Fatal(err)
		}
		said[filepath.Base(l)] = string(text)
		if info, err := os.Stat(l); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", l, info.Mode(), err)
		}
	}
	if !strings.Contains(said["worker-0.1.log"], "this line is on standard output") { // where the worker of the node put it
		t.Errorf("nothing of the worker's: %q", said)
	}
	there, err := h.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if strings.Contains(f.Path, "log") && f.UID == h.UID() {
			t.Errorf("logged on the node: %v", f)
		}
	}
	bare(t, h)
}
