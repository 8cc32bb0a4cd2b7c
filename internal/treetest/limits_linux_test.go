package treetest

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTreeAWorkerThatMakesNoTokenIsGivenUp(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=100000,rate=200,hang=decode@10", "--stall", "1s", "--no-continue", "--json")
	r.Want(1, "WORKER_STALLED", "no token for 1s")
	if !strings.Contains(r.Stdout.String(), "tok8") {
		t.Errorf("what was made before is lost: %s", r.Stdout)
	}
	if took := time.Since(r.Began); took < time.Second || took > allowed+time.Second {
		t.Errorf("took %v, want 1s and what the stop takes", took)
	}
	if rc := r.Receipt(); !rc.Clean || rc.Forced != 1 {
		t.Errorf("receipt %+v, want clean with the worker forced", rc)
	}
	r.Clean(0)
}

func TestTreeDaemonReplacesAWorkerThatMakesNoToken(t *testing.T) {
	t.Parallel()
	once := filepath.Join(t.TempDir(), "once")
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=20,rate=100,hang=decode@10,once=" + once}, "--stall", "1s")
	d.ask(1, "WORKER_STALLED", "--no-continue")
	d.ask(0, "tok19")
	if !d.log.Wait("worker-0.1 on localhost exited (killed: stalled)") {
		t.Errorf("no word of the worker's end:\n%s", d.log)
	}
	d.stop(0)
}

func TestTreeADeadlineEndsTheAnswerAndKeepsIt(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=100000,rate=200", "--deadline", "1500ms")
	r.Want(1, "DEADLINE_EXCEEDED", "the deadline of", "tokens", "before a worker took it", "0 forced")
	if !strings.Contains(r.Stdout.String(), "tok3") {
		t.Errorf("what was made before is lost: %q", r.Stdout)
	}
	if took := time.Since(r.Began); took < 1500*time.Millisecond || took > 4*time.Second {
		t.Errorf("took %v", took)
	}
	r.Clean(0)
}

// The worker hangs in native code; nothing it does or does not do may hold the error up.
func TestTreeADeadlineInTheMiddleOfALoadEndsTheRun(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=5,hang=load", "--deadline", "1s")
	r.Want(1, "DEADLINE_EXCEEDED", "before a worker took it")
	r.Clean(0)
}

func TestTreeTheLeaseIsAFlag(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_LEASE=1h", "RBEE_FAKE_ENGINE=tokens=100000,rate=200", "--lease", "700ms")
	r.Stdout.Wait("tok3")
	stop(t, r.One("hive").PID)
	r.Want(1, "NODE_LOST", "700ms")
	r.Clean(allowed)
}
