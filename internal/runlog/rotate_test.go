package runlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogKeepsItsNewestLinesWithinItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queen.log")
	l, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l.most = 100
	const lines = 200
	for i := range lines {
		if _, err := fmt.Fprintf(l, "line %04d\n", i); err != nil { // 10 bytes
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1+keepOld {
		t.Errorf("%d files, want %d", len(entries), 1+keepOld)
	}
	var all strings.Builder
	for _, name := range []string{path + ".2", path + ".1", path} {
		b, err := os.ReadFile(name)
		if err != nil || len(b) > 100 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		all.Write(b)
	}
	for i := lines - 20; i < lines; i++ {
		if !strings.Contains(all.String(), fmt.Sprintf("line %04d\n", i)) {
			t.Errorf("line %d is gone:\n%s", i, all.String())
		}
	}
}

func TestALogThatIsOpenedAgainGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queen.log")
	for range 3 {
		l, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		l.most = 100
		fmt.Fprint(l, strings.Repeat("x", 59)+"\n")
		l.Close()
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 60 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, err := os.ReadFile(path + ".2"); err != nil || len(b) != 60 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// A daemon has thousands of workers in its life, each with a log.
func TestADaemonsLogsAreBoundedInNumber(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	d := New(dir, func(err error) { t.Error(err) })
	for i := range 3 * maxFiles {
		d.Line(fmt.Sprintf("worker-0.%d", i), "hello")
		d.Line("hive", "still here")
	}
	if n := len(d.files); n > maxOpen {
		t.Errorf("%d files are open, allowed are %d", n, maxOpen)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxFiles {
		t.Errorf("%d files are kept, allowed are %d: %v", len(entries), maxFiles, err)
	}
	last := fmt.Sprintf("worker-0.%d.log", 3*maxFiles-1)
	if _, err := os.Stat(filepath.Join(dir, last)); err != nil {
		t.Errorf("the newest is not there: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "hive.log")); err != nil || strings.Count(string(b), "still here") != 3*maxFiles {
		t.Errorf("who writes all the time lost lines: %v", err)
	}
	d.Close()
}
