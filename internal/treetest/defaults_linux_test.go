package treetest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rbee/supervisor"
)

// At the defaults a lease and a grace take as long as they say; these cases wait side by side.
const defaultAllowed = supervisor.DefaultLease + supervisor.DefaultGrace + 1500*time.Millisecond

// atDefaults starts a run that decodes for ever with the lease and grace that a user has.
func atDefaults(t *testing.T, engine string, flags ...string) *run {
	t.Helper()
	r := infer(t, fake, append([]string{"RBEE_LEASE=", "RBEE_FAKE_ENGINE=tokens=1000000,rate=50" + engine, "--grace", supervisor.DefaultGrace.String()}, flags...)...)
	if !r.Stdout.Wait("tok3") {
		t.Fatalf("no answer:\n%s", r.Stderr)
	}
	return r
}

// One test, in which all cases wait at the same time: they take long and cost nothing.
func TestFaultOneCaseForEachLevelAtTheDefaults(t *testing.T) {
	t.Parallel()
	var cases sync.WaitGroup
	for who, code := range map[string]string{"keeper": "QUEEN_LOST", "queen": "QUEEN_LOST", "hive": "NODE_LOST", "worker": "WORKER_CRASHED"} {
		r := atDefaults(t, "", "--no-continue")
		victim := r.Cmd.Process.Pid
		if who != "keeper" {
			victim = r.One(who).PID
		}
		stop(t, victim)
		cases.Go(func() { freezes(r, who, victim, code) })
	}
	r := atDefaults(t, ",hang=decode@10", "--json")
	r.Stdout.Wait("tok9")
	_ = r.Cmd.Process.Signal(syscall.SIGTERM)
	cases.Go(func() { stopsHungWorker(r) })
	cases.Wait()
}

// freezes checks what follows when a part of the run has been stopped just now.
func freezes(r *run, who string, victim int, code string) {
	frozen := time.Now()
	if who == "keeper" {
		r.Clean(defaultAllowed)
		_ = syscall.Kill(victim, syscall.SIGCONT) // on `fg` it says so
	}
	r.Want(1, code)
	if who == "keeper" && !strings.Contains(r.Stderr.String(), "its owner was suspended for ") {
		r.T.Errorf("it does not say that it was suspended:\n%s", r.Stderr)
	}
	// The last sign of life was up to a third of a lease before the freeze.
	if took := time.Since(frozen); took < supervisor.DefaultLease/2 || took > defaultAllowed {
		r.T.Errorf("%s: took %v, want a lease of %v and at most %v in all", who, took, supervisor.DefaultLease, defaultAllowed)
	}
	r.Clean(0)
}

// stopsHungWorker checks that a worker which hangs in native code costs its grace, and no more.
func stopsHungWorker(r *run) {
	r.Stderr.Wait("stopping 1 hive")
	began := time.Now()
	r.Want(143)
	if took := time.Since(began); took < supervisor.DefaultGrace || took > supervisor.DefaultGrace+1500*time.Millisecond {
		r.T.Errorf("the stop took %v, want the grace of %v and 1.5s at most", took, supervisor.DefaultGrace)
	}
	if rc := r.Receipt(); !rc.Clean || rc.Forced != 1 {
		r.T.Errorf("receipt %+v, want clean with 1 forced", rc)
	}
	r.Clean(0)
}

func TestFaultAKeeperThatIsContinuedInTimeGoesOn(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_LEASE=", "RBEE_FAKE_ENGINE=tokens=100,rate=100")
	r.Stdout.Wait("tok3")
	stop(t, r.Cmd.Process.Pid)
	for state := ""; state != "T"; time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.Cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		state = strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))[0]
	}
	_ = syscall.Kill(r.Cmd.Process.Pid, syscall.SIGCONT)
	r.Want(0, "0 forced")
	if !strings.Contains(r.Stdout.String(), "tok99") {
		t.Errorf("the answer is not whole: %q", r.Stdout)
	}
	r.Clean(0)
}
