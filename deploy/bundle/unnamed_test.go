package bundle

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestAnUnfinishedBundleHasNoName(t *testing.T) {
	dir := t.TempDir()
	d, err := newDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if _, err := d.WriteString("half of it"); err != nil {
		t.Fatal(err)
	}
	if there, _ := os.ReadDir(dir); runtime.GOOS == "linux" && len(there) > 0 {
		t.Errorf("a process that is killed now leaves %v", there)
	}
	path := filepath.Join(dir, "whole")
	for _, text := range []string{"old", "new"} { // a name that is free, and one that is taken
		d, err := newDraft(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := d.publish(path); err != nil {
			t.Fatal(err)
		}
		d.close()
		if got, err := os.ReadFile(path); string(got) != text {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	if there, _ := os.ReadDir(dir); len(there) != 1 {
		t.Errorf("left beside it: %v", there)
	}
}
