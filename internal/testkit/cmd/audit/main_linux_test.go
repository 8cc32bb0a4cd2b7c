package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sleeper starts a process of that run with that TMPDIR; it ends with the test.
func sleeper(t *testing.T, run, tmp string) {
	t.Helper()
	c := exec.Command("cat")
	c.Env = []string{"RBEE_RUN_ID=" + run, "TMPDIR=" + tmp}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
}

func marked(t *testing.T) string {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "mark")
	if err := remember(mark); err != nil {
		t.Fatal(err)
	}
	return mark
}

// never is a moment after every process.
func never(t *testing.T) string {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "never")
	if err := os.WriteFile(mark, []byte("99999999999999"), 0o600); err != nil {
		t.Fatal(err)
	}
	return mark
}

// blamed returns what is said of the runs that a test started itself. The audit sees all of the machine, where other
// tests may run, some of whose processes have no TMPDIR.
func blamed(t *testing.T, mark, own string, runs ...string) (said []string) {
	t.Helper()
	left, err := look(mark, own, time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		for _, run := range runs {
			if strings.Contains(l, "run "+run+",") {
				said = append(said, l)
			}
		}
	}
	return said
}

func TestAuditNamesAProcessThatIsLeft(t *testing.T) {
	own, mark, run := t.TempDir(), marked(t), unique(t)
	sleeper(t, run, filepath.Join(own, "work"))
	if said := blamed(t, mark, own, run); len(said) != 1 || !strings.Contains(said[0], ": cat") {
		t.Errorf("left %q", said)
	}
}

func TestAuditDoesNotBlameOthers(t *testing.T) {
	own, mark := t.TempDir(), marked(t)
	ours, others := unique(t)+"-ours", unique(t)+"-others"
	sleeper(t, others, t.TempDir())
	sleeper(t, ours, own)
	if said := blamed(t, mark, own, ours, others); len(said) != 1 || !strings.Contains(said[0], ours) {
		t.Errorf("since the mark: %q; want ours alone", said)
	}
	if said := blamed(t, never(t), own, ours, others); len(said) != 0 {
		t.Errorf("since a moment after both: %q", said)
	}
}

// unique is a run that no other test of this machine has.
func unique(t *testing.T) string { return fmt.Sprintf("%s-%d", t.Name(), os.Getpid()) }

func TestAuditNamesFilesThatAreLeft(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"fine.gguf", "left.partial"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left, err := look(never(t), t.TempDir(), 0, []string{dir, filepath.Join(dir, "nowhere")})
	if err != nil || len(left) != 1 || left[0] != filepath.Join(dir, "left.partial") {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestAuditWithoutAMarkFails(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{bad, bad + "x"} {
		if _, err := look(mark, t.TempDir(), 0, nil); err == nil {
			t.Errorf("%s was taken for a mark", mark)
		}
	}
}
