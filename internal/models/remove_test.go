package models

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rbee/internal/fault"
)

// lay writes files below dir.
func lay(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			in, _ := filepath.Rel(dir, path)
			names = append(names, in)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func yes(Model) error { return nil }

func TestRemoveDeletesAllPartsAndTheFolderIfItIsEmpty(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, map[string]string{"big/m-00001-of-00002.gguf": "12", "big/m-00002-of-00002.gguf": "345", "noted/m.gguf": "1", "noted/README": "mine", "flat.gguf": "1"})
	env := Env{ModelsDir: dir, Local: true, CWD: dir}
	if m, err := Remove("big", env, yes); err != nil || m.Size != 5 || len(m.Files()) != 2 {
		t.Fatalf("%+v, error %v", m, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "big")); !os.IsNotExist(err) {
		t.Errorf("its empty folder is left: %v", err)
	}
	for _, ref := range []string{"noted", "./flat.gguf"} {
		if _, err := Remove(ref, env, yes); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if names := left(t, dir); len(names) != 1 || names[0] != "noted/README" {
		t.Errorf("left: %v", names)
	}
}

func TestRemoveDeletesNothingThatItMayNot(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	lay(t, dir, map[string]string{"one/m.gguf": "1", "two/a.gguf": "1", "two/b.gguf": "1"})
	lay(t, elsewhere, map[string]string{"other.gguf": "mine"})
	if err := os.Symlink(elsewhere, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	env := Env{ModelsDir: dir, Local: true, CWD: dir}
	refusal := errors.New("in use")
	if _, err := Remove("one", env, func(Model) error { return refusal }); err != refusal {
		t.Errorf("one that is in use: %v", err)
	}
	for ref, code := range map[string]fault.Code{
		"two": fault.ModelAmbiguous, "none": fault.ModelNotFound, elsewhere + "/other.gguf": fault.ModelNotFound, "../x.gguf": fault.ModelNotFound,
		"out": fault.ModelAccessDenied, "": fault.ModelRefInvalid,
	} {
		if _, err := Remove(ref, env, yes); fault.CodeOf(err) != code {
			t.Errorf("%q: error %v, want %s", ref, err, code)
		}
	}
	if names := left(t, dir); len(names) != 4 { // the link counts as one
		t.Errorf("left: %v", names)
	}
	if names := left(t, elsewhere); len(names) != 1 {
		t.Errorf("left elsewhere: %v", names)
	}
}

func TestRemoveOfALinkLeavesWhatItLeadsTo(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	lay(t, elsewhere, map[string]string{"other.gguf": "mine"})
	if err := os.Mkdir(filepath.Join(dir, "linked"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(elsewhere, "other.gguf"), filepath.Join(dir, "linked", "m.gguf")); err != nil {
		t.Fatal(err)
	}
	if _, err := Remove("linked", Env{ModelsDir: dir}, yes); err != nil {
		t.Fatal(err)
	}
	if names := left(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
	if names := left(t, elsewhere); len(names) != 1 {
		t.Errorf("what the link led to is gone")
	}
}
