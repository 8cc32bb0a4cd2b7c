package treetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/models/demo"
	"rbee/internal/models/fetch/fetchtest"
)

// plan runs `rbee plan --json` in dir and returns what it printed, and its exit code.
func plan(t *testing.T, dir, bin string, env []string, flags ...string) (p api.Plan, out string, code int) {
	t.Helper()
	c := exec.Command(bin+"/rbee", append([]string{"plan", "--json"}, flags...)...)
	c.Env = environment(dir, env...)
	var errs strings.Builder
	c.Stderr = &errs
	b, err := c.Output()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if code = c.ProcessState.ExitCode(); code == 0 {
		if err := json.Unmarshal(b, &p); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	}
	if s := errs.String(); strings.Contains(s, "starting worker") {
		t.Errorf("a plan started a worker:\n%s", s)
	}
	return p, string(b) + errs.String(), code
}

// private makes the folders of a run.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/run", 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTreeAPlanSaysWhatIsThenDone(t *testing.T) {
	t.Parallel()
	env := []string{engineWithGPU(t), gpus}
	p, out, code := plan(t, private(t), fake, env, "--model", "demo", "--ctx", "512", "--device", "cuda:0")
	if code != 0 || p.Node != "localhost" || p.Device != "cuda:0" || p.Backend != "cuda" || p.Context != 512 || p.Slots != 1 || p.Architecture != "llama" ||
		p.Fetch != 0 || p.Needed < 30e6 || p.Free < p.Needed || p.DeviceNeeded < 300e6 || p.DeviceFree != 2000e6 || p.LoadMS <= 0 {
		t.Errorf("planned %+v\n%s", p, out)
	}
	r := infer(t, fake, append(env, "--ctx", "512", "--device", "cuda:0")...)
	r.Want(0, "starting worker (cuda:0)", "/demo/demo.gguf")
	if !strings.HasSuffix(p.File, "/demo/demo.gguf") {
		t.Errorf("planned file %s", p.File)
	}
}

func TestTreeAPlanThatCannotBeIsTheSameError(t *testing.T) {
	t.Parallel()
	_, out, code := plan(t, private(t), fake, []string{engineWithGPU(t), gpus}, "--model", "demo", "--backend", "vulkan")
	if code != 1 || !strings.Contains(out, "INSUFFICIENT_VRAM") || !strings.Contains(out, "200.0 MB are free") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestTreeAPlanFindsTheWorkerOfADaemon(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=2"})
	if p, out, code := plan(t, d.dir, fake, nil, "--model", "demo", "--socket", d.socket); code != 0 || p.Worker != "" || p.Slots != 4 {
		t.Errorf("before: exit code %d, %+v\n%s", code, p, out)
	}
	d.ask(0, "tok1")
	if p, out, code := plan(t, d.dir, fake, nil, "--model", "demo", "--socket", d.socket); code != 0 || !strings.Contains(p.Worker, "worker-0.1") || p.WorkerState != "idle" {
		t.Errorf("after: exit code %d, %+v\n%s", code, p, out)
	}
	d.stop(0)
}

func TestTreeAPlanNamesTheDownloadAndMakesNone(t *testing.T) {
	t.Parallel()
	weights := filepath.Join(t.TempDir(), "demo.gguf")
	if err := demo.Write(weights); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	hub := fetchtest.New()
	defer hub.Close()
	hub.Add("Org/Small-GGUF", "small.Q4_K_M.gguf", content)
	hub.Claim(hub.Add("Org/Large-GGUF", "large.Q4_K_M.gguf", []byte("never sent")), 1<<43)
	env := []string{"HF_ENDPOINT=" + hub.URL}
	dir := private(t)
	p, out, code := plan(t, dir, fake, env, "--model", "hf:Org/Small-GGUF")
	if code != 0 || p.Fetch != int64(len(content)) || p.Size != p.Fetch || !strings.HasSuffix(p.File, "/org--small-gguf/small.Q4_K_M.gguf") {
		t.Errorf("exit code %d, planned %+v\n%s", code, p, out)
	}
	_, out, code = plan(t, dir, fake, env, "--model", "hf:Org/Large-GGUF")
	if code != 1 || !strings.Contains(out, "INSUFFICIENT_MEMORY") || !strings.Contains(out, "8796.09 GB") {
		t.Errorf("the large one: exit code %d\n%s", code, out)
	}
	if asked := hub.Requests(fetchtest.Bytes); len(asked) > 0 {
		t.Errorf("bytes were asked for: %v", asked)
	}
	if _, err := os.Stat(p.File); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
}
