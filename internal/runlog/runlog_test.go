package runlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARunWithNothingToSayLeavesNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	New(dir, nil).Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the empty folder is still there: %v", err)
	}
}

func TestLinesGoToFilesOfTheirUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	d := New(dir, func(err error) { t.Error(err) })
	d.Line("worker-0.1", "one")
	d.Line("worker-0.1", "two")
	d.Line("../escape", "three")
	d.Close()
	b, err := os.ReadFile(filepath.Join(dir, "worker-0.1.log"))
	if lines := strings.Split(strings.TrimSpace(string(b)), "\n"); err != nil || len(lines) != 2 || !strings.HasSuffix(lines[1], " two") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "..-escape.log")); err != nil {
		t.Error("a name with a slash left the folder:", err)
	}
	for name, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "worker-0.1.log"): 0o600} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", name, st.Mode().Perm(), err, want)
		}
	}
}

func TestALogThatCannotBeWrittenWarnsOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	warned := 0
	d := New(filepath.Join(file, "run"), func(error) { warned++ })
	d.Line("hive", "one")
	d.Line("hive", "two")
	if warned != 1 {
		t.Errorf("%d warnings, want 1", warned)
	}
}

func TestUntagFindsTheWorker(t *testing.T) {
	for _, c := range []struct{ line, name, rest string }{
		{Tag("worker-0.1", "hello | there"), "worker-0.1", "hello | there"},
		{"a hive's own| line", "hive-a", "a hive's own| line"},
		{"plain", "hive-a", "plain"},
		{"worker-0.1 said| x", "hive-a", "worker-0.1 said| x"},
	} {
		if name, rest := Untag("hive-a", c.line); name != c.name || rest != c.rest {
			t.Errorf("%q: %q, %q", c.line, name, rest)
		}
	}
}
