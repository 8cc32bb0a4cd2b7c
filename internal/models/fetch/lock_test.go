package fetch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A waits for the lock of B, who removes the lock file with it; C makes a new one before A looks again. A must not
// believe that the file which nobody sees any more is a lock.
func TestALockFileThatWasRemovedIsNoLock(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := file{path: "m.gguf"}
	never := func() { t.Error("it had to wait") }
	b, err := lock(t.Context(), root, f, never)
	if err != nil {
		t.Fatal(err)
	}
	var c func()
	waits := 0
	a, err := lock(t.Context(), root, f, func() {
		switch waits++; waits {
		case 1:
			b()
			if c, err = lock(t.Context(), root, f, never); err != nil {
				t.Error(err)
			}
		case 2:
			c()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if waits != 2 {
		t.Errorf("waited %d times: for B and for C would be 2", waits)
	}
	a()
	if _, err := root.Lstat(".m.gguf.lock"); !os.IsNotExist(err) {
		t.Errorf("the lock file is left: %v", err)
	}
}

// The one before fails, and removes the folder that it made, while another waits in it.
func TestAFolderThatGoesWhileWeWaitIsMadeAnew(t *testing.T) {
	p, _ := withModel(t)
	d := &hub{want: p.want(ref)}
	f := file{path: "m.gguf"}
	first, unlock, err := d.enter(t.Context(), f, func(*os.Root) { t.Error("it had to wait") })
	if err != nil {
		t.Fatal(err)
	}
	root, unlock2, err := d.enter(t.Context(), f, func(*os.Root) {
		unlock()
		if err := os.Remove(filepath.Join(p.dir, "org--repo")); err != nil {
			t.Error(err)
		}
		first.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := os.Stat(filepath.Join(p.dir, "org--repo", ".m.gguf.lock")); err != nil {
		t.Error(err)
	}
	unlock2()
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := file{path: "m.gguf"}
	unlock, err := lock(t.Context(), root, f, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, root, f, cancel); err != context.Canceled {
		t.Error(err)
	}
}
