package nodetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/testbed"
)

// A node without any way to the hub gets this machine's copy, by path or by name, and has it from then on.
func TestTreeAPushedModelIsRunAndIsThereTheNextTime(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	text := model(t, w)
	w.write("cwd/Mine.Q4.gguf", string(text))
	w.write("cache/rbee/models/named/named.gguf", string(text))
	rel, err := filepath.Rel(must(os.Getwd())(t), filepath.Join(w.dir, "cwd/Mine.Q4.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	there := "/home/bee/.cache/rbee/models/mine.q4/Mine.Q4.gguf"

	w.infer("h1", "--model", rel).Want(1, "MODEL_REF_INVALID", "--push")
	r := w.infer("h1", "--push", "--model", rel)
	r.Want(0, "receiving Mine.Q4", there)
	r.Clean(0)
	if got, err := os.ReadFile(h.Path(there)); err != nil || !bytes.Equal(got, text) {
		t.Errorf("it is not there: %v", err)
	}
	r = w.infer("h1", "--push", "--model", rel)
	r.Want(0, there)
	if strings.Contains(r.Stderr.String(), "receiving") {
		t.Errorf("it was sent again:\n%s", r.Stderr)
	}
	w.infer("h1", "--model", "mine.q4").Want(0) // by the name it has there
	w.infer("h1", "--push", "--model", "named").Want(0, "receiving named")
	w.infer("h1", "--no-pull", "--model", "named").Want(0)

	// Another file of that name is no longer the one that was pushed.
	other := append(bytes.Clone(text), 0)
	w.write("cwd/Mine.Q4.gguf", string(other))
	r = w.rbee("model", "pull", rel, "--push", "--node", "h1,localhost")
	r.Want(0, "receiving Mine.Q4")
	for _, says := range []string{"Mine.Q4 is on h1 now: " + there, " is on localhost already: " + filepath.Join(w.dir, "cwd/Mine.Q4.gguf")} {
		if !strings.Contains(r.Stdout.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, r.Stdout)
		}
	}
	w.infer("h1", "--push", "--model", "hf:nobody/nothing").Want(1, "MODEL_NOT_FOUND", "on the control node", "rbee model pull")
	w.infer("localhost", "--push", "--model", "tinyllama").Want(1, "MODEL_NOT_FOUND")
	nothingRuns(t, h, 0)
	bare(t, h)
}
