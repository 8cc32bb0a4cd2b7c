package runlog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, r *Reader) (all []string) {
	t.Helper()
	es, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		all = append(all, e.Name+" "+e.Text[len("2026-01-01T00:00:0"):])
	}
	return all
}

func TestReaderMergesFilesByTimeAndFollowsThem(t *testing.T) {
	dir := t.TempDir()
	hive, worker := filepath.Join(dir, "hive-a.log"), filepath.Join(dir, "worker-0.1.log")
	write(t, hive, "2026-01-01T00:00:01.000Z one\n2026-01-01T00:00:03.000Z three\nhalf")
	write(t, worker, "2026-01-01T00:00:02.000Z two\n")
	r := Run{Path: dir}.Read(nil)
	if got, want := texts(t, r), []string{"hive-a 1.000Z one", "worker-0.1 2.000Z two", "hive-a 3.000Z three"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := texts(t, r); len(got) != 0 {
		t.Errorf("half a line was read: %q", got)
	}
	if err := os.Truncate(hive, 0); err != nil {
		t.Fatal(err)
	}
	write(t, hive, "2026-01-01T00:00:04.000Z anew\n")
	if got, want := texts(t, r), []string{"hive-a 4.000Z anew"}; !slices.Equal(got, want) {
		t.Errorf("after a rotation: %q", got)
	}
	only := Run{Path: dir}.Read(func(name string) bool { return name == "worker-0.1" })
	if got := texts(t, only); len(got) != 1 {
		t.Errorf("only the worker's: %q", got)
	}
}

// A queen writes JSON, with nanoseconds and in local time; a time whose fraction ends in zeros is shorter.
func TestReaderPutsAQueensLinesAmongTheOthers(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "queen.log"), `{"time":"2026-01-01T01:00:01.5+01:00","msg":"one"}`+"\n"+
		`{"time":"2026-01-01T00:00:03.123456789Z","msg":"three"}`+"\n"+"goroutine 1\n"+`{"time":"2026-01-01T00:00:05Z","msg":"five"}`+"\n")
	write(t, filepath.Join(dir, "worker-0.1.log"), "2026-01-01T00:00:02.000Z two\n2026-01-01T00:00:04.000Z four\n")
	es, err := Run{Path: dir}.Read(nil).Next()
	if err != nil {
		t.Fatal(err)
	}
	wants := []string{"one", "two", "three", "goroutine", "four", "five"}
	if len(es) != len(wants) {
		t.Fatalf("got %v", es)
	}
	for i, want := range wants {
		if !strings.Contains(es[i].Text, want) {
			t.Errorf("line %d is %s, want %s", i, es[i].Text, want)
		}
	}
}

func TestRunsAreListedNewestFirstAndOnlyThoseWithALog(t *testing.T) {
	logs := t.TempDir()
	oldRun(t, logs, "old", time.Hour)
	oldRun(t, logs, "new", time.Minute)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(logs, "old", "queen.log"), past, past); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(logs, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	runs, err := Runs(logs)
	if err != nil || len(runs) != 2 || runs[0].ID != "new" || runs[1].ID != "old" {
		t.Errorf("got %+v, %v", runs, err)
	}
	if runs, err := Runs(filepath.Join(logs, "nowhere")); err != nil || len(runs) != 0 {
		t.Errorf("without a folder: %v, %v", runs, err)
	}
}
