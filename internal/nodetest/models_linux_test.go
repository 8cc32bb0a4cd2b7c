package nodetest

import (
	"os"
	"path/filepath"
	"testing"

	"rbee/internal/testbed"
)

// Whose disk a reference is about.
func TestTreeAModelOfANodeIsOnTheNodesDisk(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	text := model(t, w)
	w.write("mine/here/here.gguf", string(text))
	put(t, h, "theirs/there/there.gguf", text)
	put(t, h, ".cache/rbee/models/kept/kept.gguf", text)
	here := filepath.Join(w.dir, "mine/here/here.gguf")

	w.infer("localhost", "--model", here).Want(0)
	theirs := h.Home("") + "/theirs"
	t.Run("a path of this machine is none of the node's, nor the other way", func(t *testing.T) {
		needs(t, b.Caps.Hosts, "a disk of its own")
		w.infer("h1", "--model", here).Want(1, "MODEL_NOT_FOUND", here, "node: h1")
		w.infer("localhost", "--model", theirs+"/there/there.gguf").Want(1, "MODEL_NOT_FOUND")
	})
	rel, err := filepath.Rel(must(os.Getwd())(t), here)
	if err != nil {
		t.Fatal(err)
	}
	w.infer("h1", "--model", rel).Want(1, "MODEL_", "a path of that node", "node: h1")
	w.infer("h1", "--model", "./here.gguf").Want(1, "MODEL_", "a path of that node")

	w.infer("h1", "--model", theirs+"/there/there.gguf").Want(0)
	w.infer("h1", "--model", "kept").Want(0)

	// The caller's environment names folders of the caller's machine.
	w.infer("localhost", "RBEE_MODELS_DIR="+w.dir+"/mine", "--model", "here").Want(0)
	w.infer("h1", "RBEE_MODELS_DIR="+w.dir+"/mine", "--model", "here").Want(1, "MODEL_NOT_FOUND")
	w.infer("h1", "RBEE_MODELS_DIR="+theirs, "--model", "there").Want(1, "MODEL_NOT_FOUND")
	w.infer("h1", "--models-dir", theirs, "--model", "there").Want(0)

	w.write(".config/rbee/config.toml", "[nodes.h1]\nmodels_dir = '"+theirs+"'\n")
	w.infer("h1", "--model", "there").Want(0)
	nothingRuns(t, h, 0)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
