package treetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withVulkan is an environment with the real engine for the CPU and, beside it, a set for Vulkan whose own library is
// none: what an installation without the GPU's driver comes to. If it is not installed, there is the first only.
func withVulkan(t *testing.T, installed bool) []string {
	t.Helper()
	from := os.Getenv("RBEE_ENGINE_DIR")
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatalf("RBEE_ENGINE_DIR is not set; make test does it: %v", err)
	}
	metadata, err := os.ReadFile(filepath.Join(from, "_nlcBuildMetadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, release, _ := strings.Cut(string(metadata), `"release":"`)
	release, _, _ = strings.Cut(release, `"`)
	cache := t.TempDir()
	sets := filepath.Join(cache, "rbee", "engine")
	plain, vulkan := filepath.Join(sets, release+"-linux-x64"), filepath.Join(sets, release+"-linux-x64-vulkan")
	if err := os.MkdirAll(sets, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, plain); err != nil {
		t.Fatal(err)
	}
	env := []string{"RBEE_ENGINE_DIR=", "XDG_CACHE_HOME=" + cache}
	if !installed {
		return env
	}
	if err := os.Mkdir(vulkan, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "lib") {
			if err := os.Symlink(filepath.Join(from, f.Name()), filepath.Join(vulkan, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range map[string]string{
		"_nlcBuildMetadata.json": strings.Replace(string(metadata), `"gpu":false`, `"gpu":"vulkan"`, 1),
		"libggml-vulkan.so":      "no library",
	} {
		if err := os.WriteFile(filepath.Join(vulkan, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return env
}

func TestTreeABackendWhoseLibrariesAreNotInstalledSaysHowToInstallThem(t *testing.T) {
	t.Parallel()
	r := infer(t, real, append(withVulkan(t, false), "--backend", "vulkan", "--json")...)
	r.Want(1, "BACKEND_UNAVAILABLE", "no vulkan here: there is cpu:0; vulkan: its libraries are not installed", "rbee engine install --backend vulkan")
	r = infer(t, real, append(withVulkan(t, false), "--device", "metal:0", "--json")...)
	r.Want(1, "BACKEND_UNAVAILABLE", "there is no build of llama.cpp", "for it on linux/")
}

// The worker's program is the real one, and so is the dynamic linker's word.
func TestTreeABackendWhoseLibrariesDoNotLoadSaysWhy(t *testing.T) {
	t.Parallel()
	r := infer(t, real, append(withVulkan(t, true), "--backend", "vulkan", "--json")...)
	r.Want(1, "BACKEND_UNAVAILABLE", "no vulkan here: there is cpu:0", "; vulkan: libggml-vulkan.so does not load: file too short", "libvulkan.so.1")
	if strings.Contains(r.Stderr.String(), "starting worker") {
		t.Errorf("a worker was started: %s", r.Stderr)
	}
}

func TestTreeACPUThatIsChosenForWantOfADriverIsSaidSo(t *testing.T) {
	t.Parallel()
	r := infer(t, real, withVulkan(t, true)...)
	r.Want(0, "starting worker (cpu:0; vulkan: libggml-vulkan.so does not load")
	r = infer(t, real, append(withVulkan(t, true), "--backend", "cpu")...)
	r.Want(0, "starting worker (cpu:0)\n")
}

// The process that asks a GPU's driver dies of it: that is a line, and the hive answers on the CPU.
func TestTreeADriverThatCrashesCostsALine(t *testing.T) {
	t.Parallel()
	env := append(withVulkan(t, true), "RBEE_FAKE_WORKER=crash-detect")
	r := infer(t, fake, env...)
	r.Want(0, "starting worker (cpu:0; vulkan: its libraries are installed, and cannot be used: llm-worker-rbee detect gave no answer: signal: killed")
	r = infer(t, fake, append(env, "--backend", "vulkan", "--json")...)
	r.Want(1, "BACKEND_UNAVAILABLE", "cannot be used: llm-worker-rbee detect gave no answer: signal: killed")
}

func TestTreeAWorkerLoadsTheSetOfItsDevice(t *testing.T) {
	t.Parallel()
	for device, folder := range map[string]string{"vulkan:0": "linux-x64-vulkan", "cpu:0": "linux-x64"} {
		env := append(withVulkan(t, true), "RBEE_FAKE_ENGINE=devices=vulkan:0/2000", "RBEE_FAKE_WORKER=tell-engine")
		r := infer(t, fake, append(env, "--device", device)...)
		r.Want(0, "starting worker ("+device+")")
		logs, _ := filepath.Glob(r.Dir + "/state/rbee/logs/*/*")
		var all string
		for _, l := range logs {
			b, _ := os.ReadFile(l)
			all += string(b)
		}
		if !strings.Contains(all, "-"+folder+"\n") {
			t.Errorf("%s: the worker was not told of the set %s:\n%s", device, folder, all)
		}
	}
}
