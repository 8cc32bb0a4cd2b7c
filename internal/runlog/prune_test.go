package runlog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// oldRun makes the folder of a run that began so long ago and said something.
func oldRun(t testing.TB, logs, name string, ago time.Duration) string {
	t.Helper()
	path := filepath.Join(logs, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "queen.log"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

func left(t testing.TB, logs string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(logs)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]bool{}
	for _, e := range entries {
		m[e.Name()] = true
	}
	return m
}

func TestPruneRemovesWhatIsThirtyDaysOld(t *testing.T) {
	logs := t.TempDir()
	oldRun(t, logs, "old", keepTime+time.Hour)
	oldRun(t, logs, "young", keepTime-time.Hour)
	Prune(logs)
	if m := left(t, logs); m["old"] || !m["young"] {
		t.Errorf("left: %v", m)
	}
}

func TestPruneKeepsTheNewestWhenThereAreTooMany(t *testing.T) {
	logs := t.TempDir()
	for i := range keepRuns {
		oldRun(t, logs, fmt.Sprint(i), time.Duration(i+2)*time.Minute)
	}
	Prune(logs)
	if n := len(left(t, logs)); n != keepRuns {
		t.Fatalf("%d are left of %d, which are not too many", n, keepRuns)
	}
	oldRun(t, logs, "one more", 2*time.Hour)
	Prune(logs)
	m := left(t, logs)
	if len(m) != lowRuns || !m["0"] || m[fmt.Sprint(keepRuns-1)] {
		t.Errorf("%d are left, want the %d newest: %v", len(m), lowRuns, m)
	}
}

func TestPruneLeavesRunsThatLiveAndFilesThatAreNone(t *testing.T) {
	logs := t.TempDir()
	living := New(oldRun(t, logs, "living", 2*keepTime), nil)
	dead := New(oldRun(t, logs, "dead", 2*keepTime), nil)
	dead.Close()
	file := filepath.Join(logs, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-2 * keepTime)
	if err := os.Chtimes(file, past, past); err != nil {
		t.Fatal(err)
	}
	elsewhere := oldRun(t, t.TempDir(), "elsewhere", 2*keepTime)
	if err := os.Symlink(elsewhere, filepath.Join(logs, "link")); err != nil {
		t.Fatal(err)
	}
	Prune(logs)
	if m := left(t, logs); !m["living"] || m["dead"] || !m["file"] || !m["link"] {
		t.Errorf("left: %v", m)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "queen.log")); err != nil {
		t.Errorf("pruned outside of the logs: %v", err)
	}
	living.Close()
	Prune(logs)
	if left(t, logs)["living"] {
		t.Error("a run that ended is not pruned")
	}
}

func TestPruneWithoutLogsDoesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	Prune(dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func BenchmarkPruneNothing(b *testing.B) {
	logs := b.TempDir()
	for i := range keepRuns {
		oldRun(b, logs, fmt.Sprint(i), time.Duration(i+2)*time.Minute)
	}
	for b.Loop() {
		Prune(logs)
	}
}
