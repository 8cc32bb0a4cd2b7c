package treetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A library can be cut after it was verified, on a full disk say. What the folder says of itself is then still right.
func TestTreeSaysWhatToDoAboutADamagedEngine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(file string) error // does nothing to the other files
		says   []string
	}{
		{"libllama cut", func(file string) error {
			if !strings.HasPrefix(filepath.Base(file), "libllama") {
				return nil
			}
			return cut(file, 1000)
		}, []string{"WORKER_START_FAILED", "bus error", "rbee engine verify"}},
		{"no library for any CPU", func(file string) error {
			if !strings.HasPrefix(filepath.Base(file), "libggml-cpu") {
				return nil
			}
			return os.Remove(file)
		}, []string{"ENGINE_UNAVAILABLE", "for this CPU", "rbee engine install"}},
	} {
		dir := strings.TrimPrefix(engineWithGPU(t), "RBEE_ENGINE_DIR=") // links to the real files
		if err := os.Remove(filepath.Join(dir, "libggml-cuda.so")); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, f := range files {
			if err := c.damage(f); err != nil {
				t.Fatal(err)
			}
		}
		r := infer(t, real, "RBEE_ENGINE_DIR="+dir, "--json")
		r.Want(1, c.says...)
		if rc := r.Receipt(); !rc.Clean {
			t.Errorf("%s: receipt %+v", c.name, rc)
		}
		r.Clean(0)
	}
}

// cut replaces a link by the first bytes of what it leads to.
func cut(file string, n int) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	return os.WriteFile(file, b[:min(n, len(b))], 0o600)
}
