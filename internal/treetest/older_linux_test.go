package treetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rbee/internal/testkit/treekit"
	"rbee/internal/version"
)

func TestTreeTooLittleGPUMemoryIsRefusedWithBothNumbers(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, engineWithGPU(t), "RBEE_FAKE_ENGINE=devices=cuda:0/200", "--backend", "cuda", "--json")
	r.Want(1, "INSUFFICIENT_VRAM", "not enough memory of cuda:0")
	m := regexp.MustCompile(`"needed":(\d+)`).FindStringSubmatch(r.Stdout.String())
	if m == nil || !strings.Contains(r.Stdout.String(), `"free":200000000`) {
		t.Fatalf("the error has not both numbers: %s", r.Stdout)
	}
	if needed, _ := strconv.Atoi(m[1]); needed <= 200e6 {
		t.Errorf("needed are %d bytes, and 200 MB are free", needed)
	}
	if strings.Contains(r.Stderr.String(), "starting worker") {
		t.Errorf("a worker was started: %s", r.Stderr)
	}
	r.Clean(0)
}

func TestTreeACrashSaysHowManyTokensOfHowMany(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=1000,rate=100,crash=decode@7", "--max-tokens", "100")
	r.Want(1, "WORKER_CRASHED")
	m := regexp.MustCompile(`after (\d+) tokens of at most 100`).FindStringSubmatch(r.Stderr.String())
	if m == nil {
		t.Fatalf("not n of m:\n%s", r.Stderr)
	}
	if n, _ := strconv.Atoi(m[1]); n != strings.Count(r.Stdout.String(), "tok") {
		t.Errorf("%d are said, printed is %q", n, r.Stdout)
	}
	r.Clean(0)
}

func TestTreeALoadOverItsLimitIsGivenUp(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=hang=load", "--load-timeout", "1s", "--json")
	r.Want(1, "LOAD_TIMEOUT", "made no progress loading for 1s")
	if took := time.Since(r.Began); took < time.Second {
		t.Errorf("given up after %v", took)
	}
	r.Clean(0)

	slow := infer(t, fake, "RBEE_FAKE_ENGINE=load=2500ms,tokens=2", "--load-timeout", "1s") // but progress is life
	slow.Want(0)
	slow.Clean(0)

	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=hang=load,once=" + filepath.Join(t.TempDir(), "once")}, "--load-timeout", "1s")
	d.ask(1, "LOAD_TIMEOUT")
	d.ask(0, "tok0") // by a new worker
	d.stop(0)
}

func TestTreeAWorkerOfAnotherBuildIsRefusedWithBothVersions(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for _, p := range treekit.Names[:3] {
		if err := os.Link(filepath.Join(real, p), filepath.Join(bin, p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := treekit.Go("build", "-ldflags", "-s -w -X rbee/internal/version.number=9.9.9", "-o", bin+"/", "rbee/cmd/llm-worker-rbee"); err != nil {
		t.Fatal(err)
	}
	r := infer(t, bin, "--json")
	r.Want(1, "VERSION_MISMATCH", "llm-worker-rbee is of build 9.9.9+", "this is "+version.Build())
	r.Clean(0)
}

func TestTreeAnIdleWorkerIsUnloaded(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, real, nil, "--keep-alive", "200ms")
	d.ask(0, "starting worker")
	if !d.log.Wait("worker-0.1 on localhost exited") {
		t.Fatalf("it stays:\n%s", d.log)
	}
	d.ask(0, "starting worker") // a new life in the same slot
	if !d.log.Wait("worker-0.2 on localhost exited") {
		t.Errorf("its second life stays:\n%s", d.log)
	}
	d.stop(0)
}

// A machine is ready or it is said what is missing: programs, engine, and nothing listens for any of it.
func TestTreeAMachineIsLookedAtBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	check := func(bin string, env ...string) (string, error) {
		c := exec.Command(bin+"/rbee", "node", "check", "localhost", "--json")
		c.Env = environment(private(t), env...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := check(real)
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	for _, step := range []string{"name", "engine"} {
		if !strings.Contains(out, `"step":"`+step+`","ok":true`) {
			t.Errorf("no step %s: %s", step, out)
		}
	}
	if out, err := check(real, "RBEE_ENGINE_DIR=/nonexistent"); err == nil || !strings.Contains(out, "ENGINE_UNAVAILABLE") || !strings.Contains(out, "rbee engine install") {
		t.Errorf("without an engine: %v: %s", err, out)
	}
	bin := t.TempDir()
	if err := os.Link(real+"/rbee", bin+"/rbee"); err != nil {
		t.Fatal(err)
	}
	if out, err := check(bin); err == nil || !strings.Contains(out, "rbee-hive is not beside") {
		t.Errorf("without the other programs: %v: %s", err, out)
	}
}
