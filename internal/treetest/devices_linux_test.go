package treetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/fit/here"
	"rbee/internal/models/benchmodel"
)

// engineWithGPU is a folder of the real engine that has a library for a GPU as well (it is never loaded: the workers
// are fakes), so that a hive asks its workers' program for the devices.
func engineWithGPU(t *testing.T) string {
	t.Helper()
	from := os.Getenv("RBEE_ENGINE_DIR")
	if from == "" {
		t.Fatal("RBEE_ENGINE_DIR is not set")
	}
	dir := t.TempDir()
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Symlink(filepath.Join(from, f.Name()), filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "libggml-cuda.so"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "RBEE_ENGINE_DIR=" + dir
}

// gpus are those of the fake workers: the demo model needs 322 MB on one, most of it the driver's.
const gpus = "RBEE_FAKE_ENGINE=tell-load,devices=cuda:0/2000 cuda:1/8000 vulkan:0/200"

func TestTreeAWorkerRunsOnTheDeviceThatIsAskedFor(t *testing.T) {
	t.Parallel()
	engine := engineWithGPU(t)
	for _, c := range []struct {
		name         string
		flags        []string
		answer, says string
	}{
		{"the best", nil, "device=cuda:1 layers=all", "starting worker (cuda:1)"},
		{"a backend", []string{"--backend", "cpu"}, "device=cpu:0 layers=all", "starting worker (cpu:0)"},
		{"a device", []string{"--device", "cuda:0"}, "device=cuda:0", "starting worker (cuda:0)"},
		{"a number", []string{"--device", "1"}, "device=cuda:1", "starting worker (cuda:1)"},
		{"layers", []string{"--device", "cuda:0", "--gpu-layers", "1"}, "device=cuda:0 layers=1", "starting worker (cuda:0)"},
		{"no layers", []string{"--gpu-layers", "0"}, "device=cpu:0", "starting worker (cpu:0)"},
	} {
		r := infer(t, fake, append([]string{engine, gpus}, c.flags...)...)
		r.Want(0, c.says)
		if !strings.Contains(r.Stdout.String(), c.answer) {
			t.Errorf("%s: the worker was loaded with %q, want %s", c.name, r.Stdout, c.answer)
		}
	}
}

func TestTreeADeviceThatIsNotThereIsRefusedWithWhatThereIs(t *testing.T) {
	t.Parallel()
	engine := engineWithGPU(t)
	all := "there is cpu:0 (fake), cuda:0 (fake cuda), cuda:1 (fake cuda), vulkan:0 (fake vulkan)"
	for _, c := range []struct {
		flags []string
		says  []string
	}{
		{[]string{"--backend", "metal"}, []string{"BACKEND_UNAVAILABLE", "no metal here: " + all}},
		{[]string{"--device", "cuda:2"}, []string{"DEVICE_UNAVAILABLE", "no device cuda:2 here: " + all}},
		{[]string{"--device", "7", "--backend", "cpu"}, []string{"DEVICE_UNAVAILABLE", "no device cpu:7 here"}},
		{[]string{"--backend", "vulkan"}, []string{"INSUFFICIENT_VRAM", "not enough memory of vulkan:0: demo", "and 200.0 MB are free"}},
	} {
		r := infer(t, fake, append([]string{engine, gpus, "--json"}, c.flags...)...)
		if code := r.End(); code != 1 {
			t.Errorf("%v: exit code %d\n%s", c.flags, code, r.Stderr)
		}
		for _, s := range c.says {
			if !strings.Contains(r.Stdout.String(), s) {
				t.Errorf("%v: the error does not say %q: %s", c.flags, s, r.Stdout)
			}
		}
		if strings.Contains(r.Stderr.String(), "starting worker") {
			t.Errorf("%v: a worker was started: %s", c.flags, r.Stderr)
		}
	}
}

// With the real engine, which has no GPU here.
func TestTreeAGPUIsNeverReplacedByTheCPU(t *testing.T) {
	t.Parallel()
	r := infer(t, real, "--backend", "cuda")
	r.Want(1, "no cuda here: there is cpu:0")
	if strings.Contains(r.Stderr.String(), "starting worker") {
		t.Errorf("a worker was started: %s", r.Stderr)
	}
}

// wide writes a model of twelve megabytes of weights, and 64 kB of keys and values for each token: 1.1 TB at the context
// it was trained for.
func wide(t *testing.T, path string) {
	t.Helper()
	if err := benchmodel.WriteTiny(path, benchmodel.Shape{Layers: 256, Width: 64, Heads: 2, KVHeads: 2, FeedForward: 32, Context: 1 << 24}); err != nil {
		t.Fatal(err)
	}
}

func TestTreeAModelThatDoesNotFitIsRefusedBeforeAWorkerStarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.gguf")
	wide(t, path)
	r := infer(t, real, "--model", path, "--ctx", "16777216")
	r.Want(1, "not enough memory: model with a context of 16777216 tokens needs", "are free", "KV cache 1099.51 GB", "fits: --ctx ", "2 processes stopped")
	if took := time.Since(r.Began); took > 2*time.Second {
		t.Errorf("took %v, allowed are 2s", took)
	}
	if strings.Contains(r.Stderr.String(), "starting worker") {
		t.Errorf("a worker was started: %s", r.Stderr)
	}
}

func TestTreeWorkersOnOneCPUShareItsCores(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tell-load"})
	d.ask(0, "threads=0") // alone: the engine's own rule
	other := filepath.Join(t.TempDir(), "other.gguf")
	if err := benchmodel.WriteTiny(other, benchmodel.Shape{}); err != nil {
		t.Fatal(err)
	}
	d.ask(0, fmt.Sprintf("threads=%d ", max(1, (here.Cores()-1)/2)), "--model", other)
	d.stop(0)
}

// The demo model and the other need some 320 MB each on a GPU that has 500 MB.
func TestTreeAnIdleWorkerGivesWayToAModelThatDoesNotFitBesideIt(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other.gguf")
	if err := benchmodel.WriteTiny(other, benchmodel.Shape{}); err != nil {
		t.Fatal(err)
	}
	env := []string{engineWithGPU(t), "RBEE_FAKE_ENGINE=tell-load,devices=cuda:0/500"}
	d := startDaemon(t, fake, env)
	d.ask(0, "device=cuda:0", "--backend", "cuda")
	p, out, code := plan(t, d.dir, fake, env, "--socket", d.socket, "--model", other, "--backend", "cuda")
	if code != 0 || len(p.Stops) != 1 || !strings.HasSuffix(p.Stops[0], "worker-0.1") || p.DeviceFree < p.DeviceNeeded {
		t.Errorf("planned %+v\n%s", p, out)
	}
	out = d.ask(0, "device=cuda:0", "--model", other, "--backend", "cuda")
	if !strings.Contains(out, "stopping worker-0.1 (demo, idle) to make room") {
		t.Errorf("the user is not told: %s", out)
	}
	d.stop(0)

	d = startDaemon(t, fake, env, "--keep-alive", "-1s") // for ever is for ever
	d.ask(0, "device=cuda:0", "--backend", "cuda")
	d.ask(1, "INSUFFICIENT_VRAM", "--model", other, "--backend", "cuda")
	d.stop(0)
}
