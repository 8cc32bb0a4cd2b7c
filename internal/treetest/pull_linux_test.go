package treetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/models/fetch/fetchtest"
	"rbee/internal/models/shelf"
	"rbee/internal/testkit/treekit"
)

// model runs one `rbee model ...` in a folder that may be used again.
func model(t *testing.T, dir, bin string, env []string, args ...string) *run {
	t.Helper()
	_ = os.Mkdir(dir+"/run", 0o700)
	return treekit.Start(t, dir, environment(dir, append(env, "RBEE_LEASE=", "HOME="+dir)...), append([]string{bin + "/rbee", "model"}, args...)...)
}

func TestTreeAPullBringsAModelOnceAndStartsNoWorker(t *testing.T) {
	t.Parallel()
	h, dir := hub(t), t.TempDir()
	env := []string{"HF_ENDPOINT=" + h.URL}
	r := model(t, dir, real, env, "pull", "tinyllama")
	r.Want(0, "downloading tinyllama", "clean: 2 processes stopped")
	if out := r.Stdout.String(); !strings.HasPrefix(out, "tinyllama is on localhost now: "+dir+"/models/tinyllama/"+tinyFile) {
		t.Errorf("%q", out)
	}
	if s := r.Stderr.String(); strings.Contains(s, "starting worker") {
		t.Errorf("a pull started a worker:\n%s", s)
	}
	if got := strings.Join(files(t, dir+"/models"), " "); got != "tinyllama/"+tinyFile {
		t.Errorf("the model directory holds %s", got)
	}
	r.Clean(0)

	h.Forget()
	r = model(t, dir, real, env, "pull", "tinyllama")
	r.Want(0)
	if out := r.Stdout.String(); !strings.HasPrefix(out, "tinyllama is on localhost already: ") {
		t.Errorf("%q", out)
	}
	if n := len(h.Requests()); n > 0 {
		t.Errorf("the second pull asks the hub %d times", n)
	}
}

func TestTreeAPullThatIsCancelledKeepsWhatCame(t *testing.T) {
	t.Parallel()
	h, dir := hub(t), t.TempDir()
	env := []string{"HF_ENDPOINT=" + h.URL}
	reached, open := make(chan struct{}), make(chan struct{})
	h.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 1, Do: fetchtest.Gate(100_000, func() { close(reached) }, open)})
	r := model(t, dir, real, env, "pull", "tinyllama")
	<-reached
	_ = r.Cmd.Process.Signal(os.Interrupt)
	r.Want(130, "interrupt: cancelling", "clean: ")
	close(open)
	var kept bool
	for _, f := range files(t, dir+"/models") {
		kept = kept || strings.HasSuffix(f, ".partial")
	}
	if !kept {
		t.Errorf("nothing is kept: %v", files(t, dir+"/models"))
	}
	h.Mend()
	model(t, dir, real, env, "pull", "tinyllama").Want(0)
}

func TestTreeAPullThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	h, dir := hub(t), t.TempDir()
	env := []string{"HF_ENDPOINT=" + h.URL}
	r := model(t, dir, real, env, "pull", "hf:nobody/nothing")
	r.Want(1, "MODEL_NOT_FOUND", "node: localhost")
	r.Clean(0)
	r = model(t, dir, real, env, "pull", "tinyllama", "--deadline", "1ms", "--json")
	r.Want(1, "DEADLINE_EXCEEDED")
	r.Clean(0)
}

// A hive answers about its disk what the command says by itself, and a daemon's hive does not delete what it uses.
func TestTreeAHiveLooksAfterItsDisk(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=2"}, "--keep-alive", "-1s")
	run := func(code int, args ...string) string {
		t.Helper()
		c := exec.Command(fake+"/rbee", append([]string{"model", "--socket", d.socket, "--node", "localhost"}, args...)...)
		c.Env = environment(d.dir)
		out, err := c.CombinedOutput()
		if c.ProcessState == nil || c.ProcessState.ExitCode() != code {
			t.Fatalf("%v ended with %v, want %d\n%s", args, err, code, out)
		}
		return string(out)
	}
	if out := run(0, "pull", "demo"); !strings.Contains(out, "demo is on localhost already") {
		t.Errorf("pull: %s", out)
	}
	if out := run(0, "ls"); !strings.Contains(out, "localhost   demo    2.3 MB   F16     model directory") {
		t.Errorf("ls: %s", out)
	}
	if out := run(0, "info", "demo", "--ctx", "512"); !strings.Contains(out, "context of 512 tokens") || !strings.HasPrefix(afterKeeper(out), "node         localhost\n") {
		t.Errorf("info: %s", out)
	}
	if out := run(0, "du", "--json", "-q"); !strings.Contains(out, `{"node":"localhost","directory":"`+d.dir+`/models","entries":[{"name":"demo","bytes":`) {
		t.Errorf("du: %s", out)
	}
	var v shelf.Verified
	file := filepath.Join(d.dir, "models/demo/demo.gguf")
	if out := run(0, "verify", "demo", "--json", "-q"); json.Unmarshal([]byte(out), &v) != nil || v.File != file || len(v.SHA256) != 64 {
		t.Errorf("verify: %s", out)
	}
	if out := run(1, "verify", "demo@sha256:"+strings.Repeat("0", 64)); !strings.Contains(out, "MODEL_CORRUPT") {
		t.Errorf("verify with a digest: %s", out)
	}

	d.ask(0, "tok1")
	if out := run(1, "rm", "demo"); !strings.Contains(out, "MODEL_IN_USE") || !strings.Contains(out, "worker-0.1") {
		t.Errorf("rm of what a worker has: %s", out)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	other := filepath.Join(d.dir, "models/other/other.gguf")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(other), 0o700)
	}
	if err == nil {
		err = os.WriteFile(other, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := run(0, "rm", "other"); !strings.Contains(out, "deleted other on localhost: "+other) {
		t.Errorf("rm: %s", out)
	}
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if out := run(1, "rm", "other"); !strings.Contains(out, "MODEL_NOT_FOUND") {
		t.Errorf("rm of nothing: %s", out)
	}
	d.stop(0)
}

// afterKeeper is what a command said, less the line that names the daemon.
func afterKeeper(out string) string {
	_, rest, _ := strings.Cut(out, "\n")
	return rest
}
