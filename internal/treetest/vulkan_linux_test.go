//go:build vulkan

package treetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rbee/deploy"
)

// onVulkan is an environment with both real sets of the engine, and in which a Vulkan device made of software counts:
// llama.cpp leaves those out unless they are named. `make vulkan` says where the sets are.
func onVulkan(t *testing.T) []string {
	t.Helper()
	env := withVulkan(t, false)
	cache := strings.TrimPrefix(env[1], "XDG_CACHE_HOME=")
	plain, _ := filepath.Glob(cache + "/rbee/engine/*-linux-x64")
	set := os.Getenv("RBEE_TEST_VULKAN")
	if len(plain) != 1 || set == "" {
		t.Fatal("RBEE_TEST_VULKAN is not set; make vulkan does it")
	}
	if err := os.Symlink(set, plain[0]+"-vulkan"); err != nil {
		t.Fatal(err)
	}
	return append(env, "GGML_VK_VISIBLE_DEVICES=0")
}

func TestVulkanDetectListsTheDevice(t *testing.T) {
	c := exec.Command(real+"/rbee", "node", "detect", "localhost", "--json")
	c.Env = environment(private(t), onVulkan(t)...)
	out, err := c.Output()
	var d deploy.Detected
	if err == nil {
		err = json.Unmarshal(out, &d)
	}
	if err != nil || len(d.Sets) != 2 || d.Sets[1].Error != "" || len(d.Devices) < 2 || d.Devices[1].ID != "vulkan:0" || d.Devices[1].TotalBytes == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("on %s", d.Devices[1].Description)
}

func TestVulkanAnswersAsTheCPUDoes(t *testing.T) {
	var answers []string
	for _, flags := range [][]string{{"--backend", "cpu"}, {"--backend", "vulkan"}, nil, {"--device", "vulkan:0", "--gpu-layers", "0"}} {
		r := infer(t, real, append(append(onVulkan(t), "--temperature", "0", "--timings"), flags...)...)
		says := "starting worker (vulkan:0)"
		if len(flags) > 0 && flags[1] == "cpu" {
			says = "starting worker (cpu:0)"
		}
		r.Want(0, says, "clean: 3 processes stopped")
		answers = append(answers, r.Stdout.String())
		t.Logf("%q: %s", flags, r.Stderr.String())
	}
	for i, a := range answers {
		if a != answers[0] || !strings.Contains(a, "tiny llama") {
			t.Errorf("answer %d is %q, on the CPU it is %q", i, a, answers[0])
		}
	}
}

// What a model takes of a GPU is checked against what the GPU has: here it is the driver's own number that is too small.
func TestVulkanAModelThatDoesNotFitIsRefusedWithBothNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	wide(t, path)
	r := infer(t, real, append(onVulkan(t), "--model", path, "--ctx", "16777216", "--backend", "vulkan")...)
	r.Want(1, "INSUFFICIENT_VRAM", "not enough memory of vulkan:0: model with a context of 16777216 tokens needs", "are free")
}
