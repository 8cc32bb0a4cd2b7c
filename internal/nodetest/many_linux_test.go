package nodetest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rbee/internal/testbed"
)

// put writes a file of the host's user.
func put(t *testing.T, h *testbed.Host, name string, text []byte) {
	t.Helper()
	dir := h.Home("")
	for part := range strings.SplitSeq(filepath.Dir(name), "/") {
		dir = filepath.Join(dir, part)
		if err := os.Mkdir(h.Path(dir), 0o700); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		if err := os.Lchown(h.Path(dir), h.UID(), h.UID()); err != nil {
			t.Fatal(err)
		}
	}
	path := h.Path(filepath.Join(h.Home(""), name))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(path, h.UID(), h.UID()); err != nil {
		t.Fatal(err)
	}
}

// model returns a model file: the built-in one, as a hive wrote it.
func model(t *testing.T, w *world) []byte {
	t.Helper()
	w.infer("localhost").Want(0)
	b, err := os.ReadFile(filepath.Join(w.dir, "cache/rbee/models/demo/demo.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// empty checks that nothing runs on any host.
func empty(t *testing.T, b *testbed.Bed) {
	t.Helper()
	for _, h := range b.Hosts {
		nothingRuns(t, h, 0)
	}
}

func TestTreeHivesOfSeveralNodesStartAtTheSameTime(t *testing.T) {
	t.Parallel()
	late := testbed.Spec{HomeFiles: map[string]string{".bashrc": "sleep 2\n"}}
	b := hosts(t, late, late, late)
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	r := newWorld(t, b, programs.Fake).infer("h1,h2,h3")
	r.Want(0, "placed on h", "clean: ")
	if took := time.Since(r.Began); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("took %v, each host needs 2s alone", took)
	}
	r.Clean(0)
	empty(t, b)
}

func TestTreeANodeThatIsDownDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{}, testbed.Spec{})
	needs(t, b.Caps.Cut, "a cut")
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	if err := b.Host("h1").Cut(testbed.DropBoth); err != nil {
		t.Fatal(err)
	}
	r := newWorld(t, b, programs.Fake).infer("h1,h2,h3") // each attempt on h1 takes 10 s
	r.Want(0, "starting hive on h1", "starting hive on h2", "starting hive on h3", "placed on h")
	if took := time.Since(r.Began); took > 8*time.Second {
		t.Errorf("took %v", took)
	}
	r.Clean(0)
	empty(t, b)
}

func TestTreeWhenNoNodeCanAnswerTheErrorNamesEach(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{Without: []string{"tar"}})
	if _, err := b.Host("h1").Kill(testbed.SSHD); err != nil {
		t.Fatal(err)
	}
	r := newWorld(t, b, programs.Fake).infer("h1,h2")
	r.Want(1, "none of 2 nodes can serve this", "h1: cannot reach h1", "h2: the node cannot unpack a bundle")
	r.Clean(0)
	empty(t, b)
}

func TestTreeAnAnswerIsPlacedWhereTheFileIsElseWhereTheMemoryIs(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{}, testbed.Spec{})
	w := newWorld(t, b, programs.Fake)
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	put(t, b.Host("h2"), ".cache/rbee/models/tiny/tiny.gguf", model(t, w))
	w.write(".config/rbee/config.toml", "[nodes.h1]\n[nodes.h2]\n[nodes.h3]\nweight = 5\n")

	w.infer("h1,h2,h3", "--model", "tiny").Want(0, "placed on h2: it has the model's file")
	w.infer("any", "--model", "tiny").Want(0, "placed on h2: it has the model's file")
	w.infer("h1,h3").Want(0, "placed on h3: ") // the built-in model is everywhere
	empty(t, b)
}

// The tokens that came from the lost node are not made again for the client: another node goes on from them.
func TestTreeAnAnswerGoesOnOnAnotherNode(t *testing.T) {
	t.Parallel()
	spec := testbed.Spec{SSHD: engine("tokens=60,rate=20")}
	b := hosts(t, spec, spec)
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	w := newWorld(t, b, programs.Fake)
	w.write(".config/rbee/config.toml", "[nodes.h1]\nweight = 5\n[nodes.h2]\n")
	r := w.infer("h1,h2", "--temperature", "0")
	if !r.Stdout.Wait("tok3") {
		t.Fatal(r.Stderr)
	}
	if _, err := b.Host("h1").Kill(testbed.Named("hive")); err != nil {
		t.Fatal(err)
	}
	r.Want(0, "placed on h1", "going on with another worker after", "60 tokens")
	var want strings.Builder
	for i := range 60 {
		want.WriteString(" tok" + strconv.Itoa(i))
	}
	if got := strings.TrimRight(r.Stdout.String(), "\n"); got != want.String() {
		t.Errorf("the answer is %q", got)
	}
	empty(t, b)
}
