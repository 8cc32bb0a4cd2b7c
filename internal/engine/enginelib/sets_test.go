package enginelib

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// other is a target of the tests' platform for a GPU.
func other(t testing.TB) Target {
	t.Helper()
	for _, o := range HostTargets()[1:] {
		return o
	}
	o := host(t) // a platform that has one build only: tests of several make one up
	o.Name, o.GPU = o.Name+"-vulkan", "vulkan"
	targets = append(targets, o)
	t.Cleanup(func() { targets = targets[:len(targets)-1] })
	return o
}

func TestSetsLieSideBySideAndThePlainOneIsFirst(t *testing.T) {
	h, gpu := host(t), other(t)
	cache := t.TempDir()
	getenv := env("XDG_CACHE_HOME", cache)
	makeEngine(t, Destination(getenv, gpu), Release, gpu)
	if dir, err := Find(getenv, ""); err != nil || dir != Destination(getenv, gpu) {
		t.Errorf("a set for a GPU computes on the CPU as well: found %q, %v", dir, err)
	}
	makeEngine(t, Destination(getenv, h), Release, h)
	var got []string
	for _, s := range Installed(getenv, "") {
		got = append(got, s.Backend()+" in "+s.Dir)
	}
	want := []string{h.Backend() + " in " + Destination(getenv, h), gpu.Backend() + " in " + Destination(getenv, gpu)}
	if !slices.Equal(got, want) {
		t.Errorf("installed %v, want %v", got, want)
	}
	if dir, err := Find(getenv, ""); err != nil || dir != want[0][len(h.Backend()+" in "):] {
		t.Errorf("found %q, %v", dir, err)
	}
}

// A node's bundle carries one set in lib/rbee, whichever it is; and the variable is the only place if it is set.
func TestASetIsKnownByWhatItSaysOfItselfNotByItsFolder(t *testing.T) {
	h, gpu := host(t), other(t)
	root := t.TempDir()
	beside := makeEngine(t, filepath.Join(root, "lib", "rbee"), Release, gpu)
	getenv := env("XDG_CACHE_HOME", root)
	makeEngine(t, Destination(getenv, gpu), Release, gpu) // the same once more
	makeEngine(t, Destination(getenv, h), "v0.3.9", h)
	program := filepath.Join(root, "bin", "rbee-hive")
	if got := Installed(getenv, program); len(got) != 1 || got[0].Name != gpu.Name || got[0].Dir != beside {
		t.Errorf("%+v, want the one beside the program", got)
	}
	plain := makeEngine(t, filepath.Join(root, "plain"), Release, h)
	if got := Installed(env("RBEE_ENGINE_DIR", plain, "XDG_CACHE_HOME", root), program); len(got) != 1 || got[0].Dir != plain {
		t.Errorf("%+v, want the variable's only", got)
	}
}

func TestASetThatIsNeitherReleaseNorPlatformDoesNotCount(t *testing.T) {
	gpu := other(t)
	cache := t.TempDir()
	getenv := env("XDG_CACHE_HOME", cache)
	strange := gpu
	strange.GPU = "rocm"
	makeEngine(t, Destination(getenv, gpu), Release, strange)
	if got := Installed(getenv, ""); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestGPUsAreTheBackendsThatAFolderHasALibraryFor(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"libggml.so", "libggml-base.so", "libggml-cpu-zen4.so", "libggml-cpu.so", "libggml-vulkan.so", "libggml-metal.dylib",
		"libggml-blas.dylib", "libllama.so", "libggml.vulkan.v0.4.0.so"} {
		write(t, filepath.Join(dir, n), "")
	}
	got := GPUs(dir)
	if len(got) != 2 || got["vulkan"] != filepath.Join(dir, "libggml-vulkan.so") || got["metal"] == "" {
		t.Errorf("%v", got)
	}
	if err := os.RemoveAll(dir); err != nil || len(GPUs(dir)) != 0 {
		t.Error("of a folder that is not there")
	}
}
