package treetest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A moment in a run, held open by a fake program so that nothing depends on luck.
type moment struct {
	name   string
	who    []string // can be struck then
	engine string
	late   string // the program that is late to come up
	until  func(r *run) bool
}

var (
	everybody = []string{"keeper", "queen", "hive", "worker"}
	moments   = []moment{
		{"starting", []string{"keeper", "queen"}, "tokens=5", "", func(r *run) bool { return r.Stderr.Wait("starting queen-rbee") && appears(r, "queen") }},
		{"starting hive", []string{"keeper", "queen", "hive"}, "tokens=5", "rbee-hive", func(r *run) bool { return appears(r, "hive") }},
		{"starting worker", everybody, "tokens=5", "llm-worker-rbee", func(r *run) bool { return appears(r, "worker") }},
		{"loading", everybody, "tokens=5,hang=load", "", func(r *run) bool { return r.Stderr.Wait("loading model") }},
		{"decoding", everybody, "tokens=100000,rate=200", "", func(r *run) bool { return r.Stdout.Wait("tok3") }},
		{"stopping", everybody, "tokens=100000,rate=200,hang=decode@10", "", func(r *run) bool {
			if !r.Stdout.Wait("tok9") {
				return false
			}
			_ = r.Cmd.Process.Signal(syscall.SIGTERM)
			return r.Stderr.Wait("stopping 1 hive")
		}},
	}
)

// A late program comes up within its lease, so that without a strike the run would succeed.
const (
	lateTime  = 1500 * time.Millisecond
	lateLease = 3 * time.Second
)

// stop freezes a process.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

// appears waits for a process that has said nothing yet; the keeper announces a start just before it happens.
func appears(r *run, name string) bool {
	return soon(func() bool { return len(r.Below(name)) > 0 })
}

// soon polls for what sends no word.
func soon(is func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// The full matrix is for make faults; make test takes what is most often seen in life.
func TestFaultMatrix(t *testing.T) {
	full := os.Getenv("RBEE_FAULTS") == "full"
	for _, m := range moments {
		for _, who := range m.who {
			for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
				if !full && m.name != "decoding" && (m.name != "starting "+who || sig == syscall.SIGSTOP) {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%v", m.name, who, sig), func(t *testing.T) {
					t.Parallel()
					strike(t, m, who, sig)
				})
			}
		}
	}
}

func strike(t *testing.T, m moment, who string, sig syscall.Signal) {
	env, bin, limit := []string{"RBEE_FAKE_ENGINE=" + m.engine}, fake, allowed
	// No token was made, so it is tried once more, and works.
	again := who == "worker" && (m.name == "loading" || m.name == "starting worker")
	if m.late != "" && !again {
		env[0] = "RBEE_FAKE_ENGINE=tokens=100000,rate=200" // an answer that is over before the strike is felt is an answer
	}
	if again && m.name == "loading" {
		once := filepath.Join(t.TempDir(), "once")
		env[0] += ",once=" + once
		m.until = func(*run) bool { return soon(func() bool { _, err := os.Stat(once); return err == nil }) } // else the second one hangs
	}
	if m.late != "" {
		bin, limit = late[m.late], allowed-lease+lateLease
		env = append(env, "RBEE_LATE_TIME="+lateTime.String(), "RBEE_LATE_THEN="+filepath.Join(fake, m.late), "RBEE_LEASE="+lateLease.String())
	}
	if who == "worker" && m.name == "decoding" {
		env = append(env, "--no-continue") // how it goes on else is in continue_linux_test.go
	}
	r := infer(t, bin, env...)
	if !m.until(r) {
		t.Fatalf("the moment never came:\n%s", r.Stderr)
	}
	victim := r.Cmd.Process.Pid
	if who != "keeper" {
		victim = r.One(who).PID
	}
	if err := syscall.Kill(victim, sig); err != nil {
		t.Fatal(err)
	}
	if again {
		r.Want(0, "4 processes stopped") // one more than a run has
		r.Clean(0)
		return
	}
	r.Clean(limit)
	if who == "keeper" && sig == syscall.SIGSTOP {
		_ = syscall.Kill(victim, syscall.SIGCONT) // on `fg` it must say so
	}
	code := r.End()
	switch {
	case who == "keeper" && sig == syscall.SIGKILL:
		return // nobody is left to say anything
	case m.name == "stopping" && code == 143:
		return // it was on its way out
	case code != 1:
		t.Errorf("exit code %d although the %s was struck, want 1:\n%s", code, who, r.Stderr)
	}
	codes := map[string][]string{"keeper": {"QUEEN_LOST", "QUEEN_START_FAILED"}, "queen": {"QUEEN_LOST", "QUEEN_START_FAILED"}, "hive": {"NODE_LOST", "HIVE_START_FAILED"},
		"worker": {"WORKER_CRASHED", "WORKER_START_FAILED"}}[who]
	if m.name == "stopping" {
		return
	}
	for _, c := range codes {
		if strings.Contains(r.Stderr.String(), c) {
			return
		}
	}
	t.Errorf("the error does not name the %s (%v):\n%s", who, codes, r.Stderr)
}

func TestFaultAStubbornWorkerIsKilledInTime(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"hangs in native code": {"RBEE_FAKE_ENGINE=tokens=100000,rate=200,hang=decode@10"},
		"deaf to TERM":         {"RBEE_FAKE_ENGINE=tokens=100000,rate=200,hang=decode@10", "RBEE_FAKE_WORKER=deaf"},
	} {
		r := infer(t, fake, append(env, "--json")...)
		r.Stdout.Wait("tok9")
		_ = r.Cmd.Process.Signal(syscall.SIGTERM)
		began := time.Now()
		r.Want(143)
		// The cancel of the request has 5 s to be acknowledged, then the stop begins.
		if took := time.Since(began); took > 5*time.Second+grace+1500*time.Millisecond {
			t.Errorf("%s: took %v", name, took)
		}
		if rc := r.Receipt(); !rc.Clean || rc.Forced != 1 {
			t.Errorf("%s: receipt %+v, want clean with 1 forced", name, rc)
		}
		r.Clean(0)
	}
}

func TestFaultAGrandchildInASessionOfItsOwnIsEnded(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_WORKER=grandchild", "RBEE_FAKE_ENGINE=tokens=5", "--json")
	r.Want(0)
	if rc := r.Receipt(); !rc.Clean {
		t.Errorf("receipt %+v", rc)
	}
	r.Clean(0)
}

func TestFaultGarbageOnStdoutIsSkipped(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_WORKER=garbage", "RBEE_FAKE_ENGINE=tokens=5")
	r.Want(0)
	if strings.Contains(r.Stdout.String(), "rubbish") || !strings.Contains(r.Stdout.String(), "tok4") {
		t.Errorf("stdout %q", r.Stdout)
	}
	r.Clean(0)
}

func TestFaultACrashBeforeTheFirstTokenIsRetriedOnce(t *testing.T) {
	t.Parallel()
	once := filepath.Join(t.TempDir(), "once")
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=5,crash=prefill,once="+once)
	r.Want(0, "trying once more")
	if !strings.Contains(r.Stdout.String(), "tok4") {
		t.Errorf("stdout %q", r.Stdout)
	}
	r.Clean(0)

	r = infer(t, fake, "RBEE_FAKE_ENGINE=tokens=5,crash=prefill")
	r.Want(1, "WORKER_CRASHED")
	r.Clean(0)
}

func TestFaultACrashAfterTokensKeepsThemAndSaysHowMany(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=100,rate=100,crash=decode@7", "--no-continue")
	r.Want(1, "WORKER_CRASHED", "segmentation fault")
	// The worker dies in the moment it made token 7: the last one or two may not have left it.
	said := regexp.MustCompile(`after (\d+) tokens`).FindStringSubmatch(r.Stderr.String())
	if said == nil {
		t.Fatalf("no count of tokens:\n%s", r.Stderr)
	}
	n, _ := strconv.Atoi(said[1])
	if got := strings.Count(r.Stdout.String(), "tok"); n < 5 || n > 7 || got != n {
		t.Errorf("%d tokens are said, %d are printed: %q", n, got, r.Stdout)
	}
	r.Clean(0)
}
