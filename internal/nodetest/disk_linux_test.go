package nodetest

import (
	"os"
	"strings"
	"testing"

	"rbee/internal/testbed"
)

// Several nodes are asked at once about their own disks, and each answers for itself.
func TestTreeNodesLookAfterTheirOwnDisks(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{})
	h1, h2 := b.Host("h1"), b.Host("h2")
	visited(t, h1, programs.Fake)
	visited(t, h2, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	text := model(t, w)
	put(t, h1, ".cache/rbee/models/mine/mine.gguf", text)
	put(t, h1, ".lmstudio/models/org/repo/model.Q4_K_M.gguf", text)

	if err := h2.FillDisk(100 << 10); err != nil {
		t.Fatal(err)
	}
	r := w.rbee("model", "pull", "demo", "--node", "h1,h2")
	r.Want(1, "DISK_FULL", "node: h2")
	if out := r.Stdout.String(); !strings.HasPrefix(out, "demo is on h1 already: /home/bee/.cache/rbee/models/demo/demo.gguf") {
		t.Errorf("pull said %q", out)
	}
	r.Clean(0)
	r = w.rbee("model", "ls", "--node", "h1,h2")
	r.Want(0)
	for _, row := range []string{"h1     demo ", "h1     mine ", "h1     hf:org/repo/model.Q4_K_M.gguf "} {
		if !strings.Contains(r.Stdout.String(), row) {
			t.Errorf("ls shows no %q:\n%s", row, r.Stdout)
		}
	}
	w.rbee("model", "rm", "hf:org/repo", "--node", "h1").Want(1, "MODEL_ACCESS_DENIED", "LM Studio", "node: h1")
	w.rbee("model", "rm", "mine", "--node", "h1").Want(0)
	if _, err := os.Stat(h1.Path("/home/bee/.cache/rbee/models/mine")); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	empty(t, b)
}
