package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sleeper starts a process of a run with that TMPDIR; it ends with the test.
func sleeper(t *testing.T, tmp string) {
	t.Helper()
	c := exec.Command("cat")
	c.Env = []string{"RBEE_RUN_ID=audited", "TMPDIR=" + tmp}
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

func TestAuditNamesAProcessThatIsLeft(t *testing.T) {
	own, mark := t.TempDir(), marked(t)
	sleeper(t, filepath.Join(own, "work"))
	left, err := look(mark, own, time.Millisecond, nil)
	if err != nil || len(left) != 1 || !strings.Contains(left[0], "run audited") || !strings.Contains(left[0], ": cat") {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestAuditDoesNotBlameOthers(t *testing.T) {
	own := t.TempDir()
	sleeper(t, t.TempDir()) // another TMPDIR
	mark := marked(t)
	later := filepath.Join(t.TempDir(), "later")
	sleeper(t, own)
	if err := os.WriteFile(later, []byte("99999999999999"), 0o600); err != nil { // a mark after both
		t.Fatal(err)
	}
	if left, err := look(mark, own, time.Millisecond, nil); err != nil || len(left) != 1 {
		t.Errorf("since the mark: %q, %v; want ours alone", left, err)
	}
	if left, err := look(later, own, time.Millisecond, nil); err != nil || len(left) != 0 {
		t.Errorf("since later: %q, %v", left, err)
	}
}

func TestAuditNamesFilesThatAreLeft(t *testing.T) {
	own, mark := t.TempDir(), marked(t)
	dir := t.TempDir()
	for _, name := range []string{"fine.gguf", "left.partial"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left, err := look(mark, own, 0, []string{dir, filepath.Join(dir, "nowhere")})
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
