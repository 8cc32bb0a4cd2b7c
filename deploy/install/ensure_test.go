package install

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"rbee/deploy/bundle"
	"rbee/internal/fault"
	"rbee/internal/version"
)

// options are those of a control side with a bundle for this machine's kind, and a cache of its own.
func options(t testing.TB) Options {
	t.Helper()
	b := small(t, "", 1000)
	dir := t.TempDir()
	parts := unpacked(t, b)
	if _, err := bundle.Make(dir, bundle.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}, version.Build(), parts); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	return Options{Node: "mac", Getenv: func(k string) string {
		return map[string]string{"RBEE_BUNDLES": dir, "XDG_CACHE_HOME": cache}[k]
	}}
}

// unpacked is what a bundle holds, on this machine's disk.
func unpacked(t testing.TB, b bundle.Bundle) bundle.Parts {
	t.Helper()
	c := node(t, "")
	path, err := Install(t.Context(), c, at(home), b, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(c.home, filepath.Dir(filepath.Dir(path)))
	return bundle.Parts{Hive: filepath.Join(dir, "bin/rbee-hive"), Worker: filepath.Join(dir, "bin/llm-worker-rbee"), Engine: filepath.Join(dir, "lib/rbee")}
}

// visit is what a queen does: start what is likely there, and see to it if it is not.
func visit(t *testing.T, c *local, o Options) (path string, ensured bool) {
	t.Helper()
	path, _, err := Guess(o)
	if err != nil {
		t.Fatal(err)
	}
	missing := path == ""
	if !missing {
		_, stderr, exit := run(t, c, path)
		missing = NotThere(exit, stderr)
	}
	if missing {
		ensured = true
		if path, _, err = Ensure(t.Context(), c, o); err != nil {
			t.Fatal(err)
		}
	}
	if out, stderr, exit := run(t, c, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
		t.Fatalf("%s: %q %q, %v", path, out, stderr, exit)
	}
	return path, ensured
}

func TestTheSecondVisitStartsTheHiveWithoutAsking(t *testing.T) {
	for _, shell := range flavours {
		t.Run(flavour(shell), func(t *testing.T) {
			o, c := options(t), node(t, shell)
			if path, ensured := visit(t, c, o); !ensured || !strings.HasPrefix(path, home) {
				t.Errorf("the first visit: %s, %v", path, ensured)
			}
			if path, ensured := visit(t, c, o); ensured || !strings.HasPrefix(path, home) {
				t.Errorf("the second visit: %s, %v", path, ensured)
			}
		})
	}
}

func TestProgressIsToldStepByStep(t *testing.T) {
	o := options(t)
	var phases []Phase
	var last Event
	o.Progress = func(e Event) {
		if !slices.Contains(phases, e.Phase) {
			phases = append(phases, e.Phase)
		}
		if e.Phase == Sending {
			if e.Sent < last.Sent {
				t.Errorf("%v after %v", e, last)
			}
			last = e
		}
	}
	if _, _, err := Ensure(t.Context(), node(t, ""), o); err != nil {
		t.Fatal(err)
	}
	if want := []Phase{Probing, Packing, Sending, Placed}; !slices.Equal(phases, want) || last.Sent != last.Total || last.Total == 0 {
		t.Errorf("%v, the last %v", phases, last)
	}
}

func TestAProcessorWithoutABundleIsNamedAndNothingIsSent(t *testing.T) {
	o, c := options(t), node(t, "")
	c.tool(t, "uname", "case $1 in -m) echo riscv64 ;; *) exec /bin/uname \"$@\" ;; esac\n")
	o.Progress = func(e Event) {
		if e.Phase == Sending {
			t.Error("something was sent")
		}
	}
	_, facts, err := Ensure(t.Context(), c, o)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "linux/riscv64") || facts.Arch != "riscv64" {
		t.Errorf("%v; %+v", err, facts)
	}
	nothing(t, c)
}

func TestANoteIsReadOnlyIfItMakesSense(t *testing.T) {
	n := notes{t.TempDir()}
	good := note{OS: "linux", Arch: "arm64", Dir: "/var/tmp/rbee-0", For: "/c"}
	if err := n.keep("mac", good); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(n.file("mac")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := n.recall("mac", "/c"); got != good {
		t.Errorf("%+v", got)
	}
	for name, got := range map[string]note{"another node": n.recall("pc", "/c"), "another cache_dir": n.recall("mac", ""), "no cache": notes{}.recall("mac", "/c")} {
		if got != (note{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, text := range map[string]string{
		"half":      `{"os":"linux"`,
		"a command": `{"os":"linux","arch":"arm64","dir":"/$(touch x)","for":"/c"}`,
		"a path":    `{"os":"../../etc","arch":"arm64","dir":"/x","for":"/c"}`,
		"endless":   `{"os":"linux","arch":"arm64","dir":"/x","for":"/c","x":"` + strings.Repeat("x", maxNote) + `"}`,
	} {
		if err := os.WriteFile(n.file("mac"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := n.recall("mac", "/c"); got != (note{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestNodesOfAnyNameHaveNotesOfTheirOwn(t *testing.T) {
	n := notes{t.TempDir()}
	names := []string{"mac", "MAC", "Mac", "user@host:22", "user_host_22", "../../x", "", ".", "a/b", "a_b", "[::1]:22", strings.Repeat("x", 300), strings.Repeat("x", 301)}
	for _, name := range names {
		if err := n.keep(name, note{OS: "linux", Arch: "amd64", Dir: "/" + safeName(name)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		if got := n.recall(name, ""); got.Dir != "/"+safeName(name) {
			t.Errorf("%q: %+v", name, got)
		}
	}
	files, err := os.ReadDir(filepath.Join(n.cache, "nodes"))
	if err != nil || len(files) != len(names) {
		t.Errorf("%d files for %d names: %v, %v", len(files), len(names), files, err)
	}
}
