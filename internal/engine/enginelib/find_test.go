package enginelib

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rbee/internal/fault"
)

// host is the platform the tests run on; they need no libraries, only folders that look like them.
func host(t testing.TB) Target {
	t.Helper()
	h, ok := HostTarget()
	if !ok {
		t.Fatal("no target for this platform")
	}
	return h
}

// metadata is what a build of t would say.
func metadata(release string, t Target) string {
	gpu := "false"
	if t.GPU != "" {
		gpu = strconv.Quote(t.GPU)
	}
	return fmt.Sprintf(`{"buildOptions":{"platform":%q,"arch":%q,"gpu":%s,"llamaCpp":{"repo":"ggml-org/llama.cpp","release":%q}}}`, t.Platform, t.Arch, gpu, release)
}

// makeEngine writes a folder that looks like an engine of a release.
func makeEngine(t testing.TB, dir, release string, target Target) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, metadataFile), metadata(release, target))
	for _, name := range target.libraryNames() {
		write(t, filepath.Join(dir, name), "library")
	}
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestFindLooksInTheVariableThenBesideTheProgramThenInTheCache(t *testing.T) {
	h := host(t)
	root := t.TempDir()
	given := makeEngine(t, filepath.Join(root, "given"), Release, h)
	beside := makeEngine(t, filepath.Join(root, "opt", "lib", "rbee"), Release, h)
	inCache := filepath.Join("rbee", "engine", Release+"-"+h.Name)
	cached := makeEngine(t, filepath.Join(root, "cache", inCache), Release, h)
	home := makeEngine(t, filepath.Join(root, "home", ".cache", inCache), Release, h)
	bin := filepath.Join(root, "opt", "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "rbee")
	write(t, program, "")
	link := filepath.Join(root, "link-to-rbee")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	cache, homeDir := filepath.Join(root, "cache"), filepath.Join(root, "home")
	elsewhere := filepath.Join(root, "else", "bin", "rbee")
	for _, c := range []struct {
		name, program, want string
		getenv              func(string) string
	}{
		{"variable", program, given, env("RBEE_ENGINE_DIR", given, "XDG_CACHE_HOME", cache)},
		{"beside", program, beside, env("XDG_CACHE_HOME", cache)},
		{"beside, through a link", link, beside, env("XDG_CACHE_HOME", cache)},
		{"cache", elsewhere, cached, env("XDG_CACHE_HOME", cache, "HOME", homeDir)},
		{"cache in HOME", elsewhere, home, env("HOME", homeDir)},
	} {
		got, err := Find(c.getenv, c.program)
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestFindSkipsAnOldReleaseIfTheCacheHasTheRightOne(t *testing.T) {
	h := host(t)
	root := t.TempDir()
	makeEngine(t, filepath.Join(root, "lib", "rbee"), "v0.3.9", h)
	want := makeEngine(t, filepath.Join(root, "cache", "rbee", "engine", Release+"-"+h.Name), Release, h)
	got, err := Find(env("XDG_CACHE_HOME", filepath.Join(root, "cache")), filepath.Join(root, "bin", "rbee"))
	if err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestFindSaysWhatItExpectedAndWhatItFound(t *testing.T) {
	h := host(t)
	root := t.TempDir()
	other := h
	other.Arch = "sparc"
	halved := makeEngine(t, filepath.Join(root, "halved"), Release, h)
	if err := os.Remove(filepath.Join(halved, h.libraryNames()[2])); err != nil {
		t.Fatal(err)
	}
	garbled := makeEngine(t, filepath.Join(root, "garbled"), Release, h)
	write(t, filepath.Join(garbled, metadataFile), "{")
	for _, c := range []struct{ name, dir, found string }{
		{"no folder", filepath.Join(root, "nothing"), "no such folder"},
		{"no engine", root, "no " + metadataFile},
		{"another release", makeEngine(t, filepath.Join(root, "old"), "v0.5.0", h), "v0.5.0"},
		{"another machine", makeEngine(t, filepath.Join(root, "sparc"), Release, other), "sparc"},
		{"a library missing", halved, "without " + h.libraryNames()[2]},
		{"metadata garbled", garbled, "cannot read " + metadataFile},
	} {
		_, err := Find(env("RBEE_ENGINE_DIR", c.dir), "")
		e := fault.From(err)
		if e.Code != fault.EngineUnavailable || !strings.Contains(e.Hint, "rbee engine install") {
			t.Errorf("%s: code %s, hint %q", c.name, e.Code, e.Hint)
			continue
		}
		for _, part := range []string{c.dir, "expected llama.cpp " + Release, "found", c.found} {
			if !strings.Contains(e.Message, part) {
				t.Errorf("%s: %q does not say %q", c.name, e.Message, part)
			}
		}
	}
}

func TestFindWithoutAnyFolderToLookInSaysSo(t *testing.T) {
	_, err := Find(env(), "")
	if fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "RBEE_ENGINE_DIR") {
		t.Errorf("%v", err)
	}
}

func TestDestinationIsTheVariableElseTheCache(t *testing.T) {
	h := host(t)
	want := filepath.Join("/c", "rbee", "engine", Release+"-"+h.Name)
	for got, want := range map[string]string{
		Destination(env("RBEE_ENGINE_DIR", "/e", "XDG_CACHE_HOME", "/c"), h): "/e",
		Destination(env("XDG_CACHE_HOME", "/c", "HOME", "/h"), h):            want,
		Destination(env(), h): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestThePinIsTheBindingThatIsBuiltIn(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/hybridgroup/yzma "+YzmaVersion) {
		t.Errorf("go.mod does not require the binding in %s", YzmaVersion)
	}
}

func TestEveryPlatformWeBuildForHasATarget(t *testing.T) {
	for _, p := range [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}, {"darwin", "amd64"}} {
		if target, ok := TargetFor(p[0], p[1]); !ok || !strings.HasPrefix(target.Integrity, "sha512-") {
			t.Errorf("%v: %+v", p, target)
		}
	}
	for _, p := range [][2]string{{"plan9", "386"}, {"windows", "amd64"}} {
		if _, ok := TargetFor(p[0], p[1]); ok {
			t.Errorf("%v has an engine?", p)
		}
	}
}

func TestATargetIsChosenByItsBackend(t *testing.T) {
	for _, c := range []struct{ os, arch, backend, want string }{
		{"linux", "amd64", "", "linux-x64"}, {"linux", "amd64", "cpu", "linux-x64"},
		{"linux", "amd64", "vulkan", "linux-x64-vulkan"}, {"linux", "amd64", "cuda", "linux-x64-cuda"},
		{"darwin", "arm64", "metal", "mac-arm64-metal"}, {"darwin", "arm64", "cpu", "mac-arm64-metal"},
		{"linux", "arm64", "cuda", ""}, {"linux", "amd64", "metal", ""}, {"darwin", "amd64", "metal", ""},
	} {
		if got, ok := TargetWith(c.os, c.arch, c.backend); got.Name != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %s", c, got.Name)
		}
	}
}

func TestLinkFor(t *testing.T) {
	for file, want := range map[string]string{
		"libllama." + Release + ".so":          "libllama.so",
		"libggml." + Release + ".so":           "libggml.so",
		"libllama.metal." + Release + ".dylib": "libllama.dylib",
		"libggml-base.so":                      "",
		"libggml-cpu-armv8.2_1.so":             "",
	} {
		if got, ok := linkFor(file); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

// Find is on the way of every start: it must not load, hash or search.
func BenchmarkFind(b *testing.B) {
	dir := makeEngine(b, filepath.Join(b.TempDir(), "e"), Release, host(b))
	for b.Loop() {
		if _, err := Find(env("RBEE_ENGINE_DIR", dir), ""); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(metadata(Release, Target{Platform: "linux", Arch: "x64"})))
	f.Add([]byte(`{"buildOptions":{"gpu":"metal","llamaCpp":{"release":"v1"}}}`))
	f.Add([]byte(`{"buildOptions":{"gpu":7,"llamaCpp":[]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if b, err := parseMetadata(text); err == nil && b.Release == "" {
			t.Errorf("no release in %q, and no error", text)
		}
	})
}
