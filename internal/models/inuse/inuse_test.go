package inuse

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsMarkedWhileItIsInUseAlsoThroughALink(t *testing.T) {
	file, link := filepath.Join(t.TempDir(), "m.gguf"), filepath.Join(t.TempDir(), "l.gguf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if Marked(file) {
		t.Fatal("marked by nobody")
	}
	first, second := Mark(link), Mark(file)
	if !Marked(file) || !Marked(link) {
		t.Error("a file that two use is not marked")
	}
	first.Close()
	if !Marked(file) {
		t.Error("the mark went with the first of two")
	}
	second.Close()
	if Marked(file) {
		t.Error("still marked")
	}
	if Mark(filepath.Join(t.TempDir(), "none")) != nil || Marked(filepath.Join(t.TempDir(), "none")) {
		t.Error("a file that is not there is marked")
	}
}
