package nodetest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// A strike is something that goes wrong while a node decodes.
type strike struct {
	name string
	do   func(h *testbed.Host, r *treekit.Run) error
	when when
	then then
	code string // of the error
	rare bool   // in make faults only
	cuts bool   // it is the line that goes wrong
}

// when is how the node comes to know that its time is over.
type when int

const (
	byKernel when = iota // at once: a process or a connection ended
	byLease              // by itself, for want of a sign of life, and without the network
	byThaw               // not before it is thawed: all of it stands
)

// then is what the command says of the processes on the node.
type then int

const (
	proven   then = iota
	unproven      // the host cannot be reached any more, or who knew the way there is dead
	mute          // nothing: it was struck itself
	whole         // nothing is wrong, the answer is complete
)

func kill(match testbed.Match) func(*testbed.Host, *treekit.Run) error {
	return func(h *testbed.Host, _ *treekit.Run) error { _, err := h.Kill(match); return err }
}

func freeze(match testbed.Match) func(*testbed.Host, *treekit.Run) error {
	return func(h *testbed.Host, _ *treekit.Run) error { _, err := h.Freeze(match); return err }
}

func cut(how testbed.How) func(*testbed.Host, *treekit.Run) error {
	return func(h *testbed.Host, _ *treekit.Run) error { return h.Cut(how) }
}

// local strikes a process of this machine: the command itself, or its queen.
func local(who string, sig syscall.Signal) func(*testbed.Host, *treekit.Run) error {
	return func(_ *testbed.Host, r *treekit.Run) error {
		victim := r.Cmd.Process.Pid
		if who != "keeper" {
			victim = r.One(who).PID
		}
		return syscall.Kill(victim, sig)
	}
}

var strikes = []strike{
	{"hive killed", kill(testbed.Named("hive")), byKernel, proven, "NODE_LOST", false, false},
	{"worker killed", kill(testbed.Named("worker")), byKernel, proven, "WORKER_CRASHED", false, false},
	{"sshd session killed", kill(testbed.SSHSession), byKernel, proven, "NODE_LOST", false, false},
	{"sshd killed", kill(testbed.SSHD), byKernel, whole, "", false, false},
	{"queen killed", local("queen", syscall.SIGKILL), byKernel, unproven, "QUEEN_LOST", false, false},
	{"keeper killed", local("keeper", syscall.SIGKILL), byKernel, mute, "", false, false},
	{"reset", cut(testbed.RST), byKernel, unproven, "NODE_LOST", false, true},
	{"hive frozen", freeze(testbed.Named("hive")), byLease, proven, "NODE_LOST", false, false},
	{"sshd session frozen", freeze(testbed.SSHSession), byLease, proven, "NODE_LOST", false, false},
	{"both dropped", cut(testbed.DropBoth), byLease, unproven, "NODE_LOST", false, true},
	{"incoming dropped", cut(testbed.DropIn), byLease, unproven, "NODE_LOST", true, true},
	{"outgoing dropped", cut(testbed.DropOut), byLease, unproven, "NODE_LOST", true, true},
	{"link down", cut(testbed.LinkDown), byLease, unproven, "NODE_LOST", true, true},
	{"worker frozen", freeze(testbed.Named("worker")), byLease, proven, "WORKER_CRASHED", true, false},
	{"queen frozen", local("queen", syscall.SIGSTOP), byLease, unproven, "QUEEN_LOST", true, false},
	{"keeper frozen", local("keeper", syscall.SIGSTOP), byLease, mute, "", true, false},
	{"host frozen", freeze(testbed.Any), byThaw, unproven, "NODE_LOST", true, false},
}

// slack is what a noisy machine may add to a lease until the last process is gone.
const slack = time.Second

// The full table is for make faults; make test takes what is most often seen in life.
func TestFaultWhileANodeDecodes(t *testing.T) {
	full := os.Getenv("RBEE_FAULTS") == "full"
	var picked []strike
	for _, s := range strikes {
		if full || !s.rare {
			picked = append(picked, s)
		}
	}
	t.Parallel()
	for len(picked) > 0 { // as many hosts as a bed has
		some := picked[:min(len(picked), testbed.MaxHosts)]
		picked = picked[len(some):]
		var specs []testbed.Spec
		for _, s := range some {
			length := "tokens=100000,rate=200"
			if s.then == whole {
				length = "tokens=300,rate=200"
			}
			specs = append(specs, testbed.Spec{SSHD: engine(length)})
		}
		b := hosts(t, specs...)
		t.Run(fmt.Sprintf("%d hosts", len(some)), func(t *testing.T) {
			for i, s := range some {
				t.Run(s.name, func(t *testing.T) {
					needs(t, b.Caps.Cut || !s.cuts, "a cut")
					t.Parallel()
					s.strike(t, b, b.Hosts[i])
				})
			}
		})
	}
}

func (s strike) strike(t *testing.T, b *testbed.Bed, h *testbed.Host) {
	visited(t, h, programs.Fake)
	r := newWorld(t, b, programs.Fake).infer(h.Name, "--json", "--no-continue", "--lease", lease.String())
	if !r.Stdout.Wait("tok9") {
		t.Fatalf("no token came:\n%s", r.Stderr)
	}
	if err := s.do(h, r); err != nil {
		t.Fatal(err)
	}
	switch {
	case s.then == whole:
	case s.when == byKernel:
		nothingRuns(t, h, lease) // a lease of its own would not have ended it by now
	case s.when == byLease:
		nothingRuns(t, h, lease+slack)
	}
	r.Clean(lease + proof + slack)
	if s.then == mute {
		_ = r.Cmd.Process.Signal(syscall.SIGCONT) // on `fg` it must say so
	}
	code := r.End()
	if s.when == byThaw {
		if _, err := h.Thaw(testbed.Any); err != nil {
			t.Fatal(err)
		}
		nothingRuns(t, h, slack)
	}
	heal(t, h, s.cuts)
	nothingRuns(t, h, 0)
	s.said(t, b, h, r, code)
}

// heal undoes a cut, if there was one.
func heal(t *testing.T, h *testbed.Host, cut bool) {
	t.Helper()
	if cut {
		if err := h.Heal(); err != nil {
			t.Fatal(err)
		}
	}
}

// said checks what the command makes of it.
func (s strike) said(t *testing.T, b *testbed.Bed, h *testbed.Host, r *treekit.Run, code int) {
	switch {
	case s.then == mute:
		if code != 1 && code != -1 { // -1: SIGKILL
			t.Errorf("exit code %d", code)
		}
		return
	case s.then == whole:
		w := newWorld(t, b, programs.Fake)
		w.infer(h.Name).Want(1, "SSH_UNREACHABLE", "is sshd running")
		if err := h.StartSSHD(); err != nil {
			t.Fatal(err)
		}
		w.infer(h.Name).Want(0)
		if code != 0 || !strings.Contains(r.Stdout.String(), "tok299") {
			t.Errorf("exit code %d, the answer is not whole: %s", code, r.Stderr)
		}
	case code != 1 || !strings.Contains(r.Stderr.String(), s.code):
		t.Errorf("exit code %d, want 1 and %s:\n%s", code, s.code, r.Stderr)
	}
	if !strings.Contains(r.Stdout.String(), "tok9") {
		t.Errorf("what was made before is lost: %s", r.Stdout)
	}
	rc := r.Receipt()
	there := map[string]bool{} // what is not proven gone on the host
	for _, p := range rc.Processes {
		if p.Unproven && p.Host == h.Hostname() {
			there[p.Name] = true
		}
	}
	// On one and the same machine the keeper can prove what its dead queen cannot.
	if want := s.then == unproven && (b.Caps.Hosts || s.code != "QUEEN_LOST"); rc.Clean == want || there["rbee-hive"] != want || there["llm-worker-rbee"] != want || len(rc.Processes) != 3 {
		t.Errorf("unproven on %s: %v, want %v: %+v", h.Name, there, want, rc)
	}
}
