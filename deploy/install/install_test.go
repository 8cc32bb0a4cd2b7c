package install

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"rbee/deploy/bundle"
	"rbee/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small makes a bundle with a hive that is a script, an engine of one library with a link to it, and some ballast
// that does not compress; extra makes its ID another one.
func small(t testing.TB, extra string, ballast int) bundle.Bundle {
	t.Helper()
	dir := t.TempDir()
	engine := filepath.Join(dir, "engine")
	if err := os.Mkdir(engine, 0o700); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, ballast)
	for i, x := 0, uint64(88172645463325252); i < len(noise); i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		noise[i] = byte(x)
	}
	for name, text := range map[string]string{
		"rbee-hive":            "#!/bin/sh\necho this is the hive " + extra + "\n",
		"llm-worker-rbee":      "#!/bin/sh\necho this is the worker\n",
		"engine/libllama.so.1": "library",
		"engine/ballast":       string(noise),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("libllama.so.1", filepath.Join(engine, "libllama.so")); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Make(t.TempDir(), bundle.Platform{OS: "linux", Arch: "amd64"}, "b", bundle.Parts{
		Hive: filepath.Join(dir, "rbee-hive"), Worker: filepath.Join(dir, "llm-worker-rbee"), Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// at is a place of which nothing but the folder is known.
func at(dir string) Facts { return Facts{Places: []Place{{Dir: dir, Free: -1}}} }

// left lists everything in the node's cache, by path, but for the sums of a bundle that is there.
func left(t testing.TB, c *local) []string {
	t.Helper()
	files, err := testkit.Files(filepath.Join(c.home, home))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > 1 {
		files = slices.DeleteFunc(files, func(f string) bool { return path.Base(f) == "sums" && strings.HasPrefix(f, "bundles/") })
	}
	return files
}

// stages lists the unfinished installations below a cache folder.
func stages(t testing.TB, dir string) []string {
	t.Helper()
	s, err := filepath.Glob(filepath.Join(dir, ".stage-*"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAHiveGetsToABareNodeWhateverItsLoginShell(t *testing.T) {
	b := small(t, "", 300<<10)
	for _, shell := range flavours {
		t.Run(flavour(shell), func(t *testing.T) {
			c := node(t, shell)
			facts, err := Probe(t.Context(), c, "")
			if err != nil {
				t.Fatal(err)
			}
			var sent, total int64
			path, err := Install(t.Context(), c, facts, b, 0, func(s, n int64) { sent, total = s, n })
			if err != nil {
				t.Fatal(err)
			}
			if path != HivePath("", b) {
				t.Errorf("the hive is at %s, not where it is looked for first: %s", path, HivePath("", b))
			}
			if sent != b.Packed || total != b.Packed {
				t.Errorf("%d of %d sent, the bundle has %d", sent, total, b.Packed)
			}
			if out, stderr, exit := run(t, c, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
				t.Errorf("%s: %q %q, %v", path, out, stderr, exit)
			}
			folder := "bundles/" + b.Folder()
			want := []string{folder + "/bin/llm-worker-rbee", folder + "/bin/rbee-hive", folder + "/lib/rbee/ballast",
				folder + "/lib/rbee/libllama.so", folder + "/lib/rbee/libllama.so.1"}
			if got := left(t, c); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("in the cache: %v", got)
			}
			if s := stages(t, filepath.Join(c.home, home)); s != nil {
				t.Errorf("left: %v", s)
			}
		})
	}
}
