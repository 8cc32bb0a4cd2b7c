package nodetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/testbed"
)

// damage puts zeros over the second half of an installed file, as a power cut may.
func damage(t *testing.T, h *testbed.Host, pattern string) {
	t.Helper()
	found, err := filepath.Glob(h.Path(h.Home("") + "/.cache/rbee/bundles/*/" + pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	for _, file := range found {
		text := must(os.ReadFile(file))(t)
		copy(text[len(text)/2:], bytes.Repeat([]byte{0}, len(text)))
		// Another file, as the one that is there may be running.
		if err := os.WriteFile(file+".new", text, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(file+".new", h.UID(), h.UID()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTreeADamagedInstallationIsNoticedAndSentAgain(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{}, testbed.Spec{})
	for name, c := range map[string]struct {
		file  string
		fails bool // the visit that notices: a hive cannot start itself anew under its queen
	}{
		"h1": {"bin/rbee-hive", false}, "h2": {"bin/llm-worker-rbee", true}, "h3": {"lib/rbee/libllama.v*", true},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			h := b.Host(name)
			w := newWorld(t, b, programs.Real)
			w.infer(name).Want(0, "sending rbee to "+name)
			damage(t, h, c.file)
			if c.fails {
				w.infer(name).Want(1, "node: "+name)
			}
			r := w.infer(name)
			r.Want(0, "sending rbee to "+name, "clean: 3 processes")
			if !strings.HasPrefix(r.Stdout.String(), greeting) {
				t.Errorf("no answer: %q", r.Stdout)
			}
			r = w.infer(name)
			if r.Want(0); strings.Contains(r.Stderr.String(), "looking at") {
				t.Errorf("it was looked at again:\n%s", r.Stderr)
			}
			r.Clean(0)
			bare(t, h)
		})
	}
}
