package treetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rbee/deploy"
	"rbee/internal/testkit/treekit"
)

// withEcho is a folder of the programs as they ship, and of one more kind of worker, built from a module of its own
// (testdata/adapter) that has this one as a dependency; and of a file that is called like a worker, and is none.
func withEcho(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	module, bin := t.TempDir(), t.TempDir()
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(ours), "module rbee\n", "module rbee/adapter\n", 1) + "\nrequire rbee v0.0.0\nreplace rbee => " + root + "\n"
	for from, to := range map[string]string{filepath.Join(root, "go.sum"): "go.sum", "testdata/adapter/main.go": "main.go"} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(module, to), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(mod), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", filepath.Join(bin, "llm-worker-echo"), ".")
	build.Dir = module
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build an adapter: %v\n%s", err, out)
	}
	for _, p := range treekit.Names {
		if err := os.Link(filepath.Join(real, p), filepath.Join(bin, p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bin, "llm-worker-broken"), []byte("#!/bin/sh\necho no\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestTreeASecondKindOfWorkerIsOneMoreProgram(t *testing.T) {
	t.Parallel()
	bin := withEcho(t)
	r := infer(t, bin, "--worker", "echo", "--temperature", "0")
	r.Want(0, "starting worker (cpu:0)")
	usual := infer(t, bin, "--temperature", "0")
	usual.Want(0, "starting worker (cpu:0)")
	if !strings.Contains(usual.Stdout.String(), "tiny llama") {
		t.Errorf("without --worker it is llama.cpp that answers: %s", usual.Stdout)
	}
	if strings.Contains(r.Stdout.String(), "tiny llama") {
		t.Errorf("llama.cpp answered in place of echo: %s", r.Stdout)
	}
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("default_worker = \"echo\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := infer(t, bin, "RBEE_CONFIG="+config)
	set.Want(0)
	if strings.Contains(set.Stdout.String(), "tiny llama") {
		t.Errorf("default_worker is echo, and llama.cpp answered: %s", set.Stdout)
	}
}

func TestTreeAnUnknownKindOfWorkerIsRefusedWithThoseThereAre(t *testing.T) {
	t.Parallel()
	bin := withEcho(t)
	r := infer(t, bin, "--worker", "nope")
	r.Want(1, "INVALID_REQUEST", `no worker "nope" here: there is llama.cpp, echo`, "llm-worker-broken kind gave no answer")
	infer(t, bin, "--worker", "a b").Want(2, `--worker is "a b"`)
}

func TestTreeDetectListsTheKindsOfWorkers(t *testing.T) {
	t.Parallel()
	bin, dir := withEcho(t), private(t)
	c := exec.Command(bin+"/rbee", "node", "detect", "localhost", "--json")
	c.Env = environment(dir)
	out, err := c.Output()
	var d deploy.Detected
	if err == nil {
		err = json.Unmarshal(out, &d)
	}
	if err != nil || len(d.Workers) != 3 || d.Workers[0].Name != "llama.cpp" || len(d.Sets) != 1 || len(d.Devices) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, w := range d.Workers[1:] {
		if w.Program == "llm-worker-echo" && (w.Name != "echo" || w.Error != "" || len(w.Backends) != 1) || w.Program == "llm-worker-broken" && w.Error == "" {
			t.Errorf("%+v", w)
		}
	}
}
