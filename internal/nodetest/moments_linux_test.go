package nodetest

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// A moment before or after the decoding, held open so that nothing depends on luck.
type moment struct {
	name   string
	engine string
	until  func(h *testbed.Host, r *treekit.Run) bool
	bare   bool     // the host has nothing of ours yet
	often  []string // the blows that make test takes; the others are for make faults
}

var moments = []moment{
	{"sending", "tokens=20", func(h *testbed.Host, r *treekit.Run) bool { return r.Stderr.Wait("sending rbee to") }, true, []string{"queen killed", "both dropped"}},
	{"loading", "tokens=20,hang=load", func(h *testbed.Host, r *treekit.Run) bool { return r.Stderr.Wait("loading model") }, false, []string{"both dropped"}},
	{"stopping", "tokens=100000,rate=200,hang=decode@10", func(h *testbed.Host, r *treekit.Run) bool {
		if !r.Stdout.Wait("tok9") || r.Cmd.Process.Signal(syscall.SIGTERM) != nil {
			return false
		}
		return r.Stderr.Wait("stopping 1 hive")
	}, false, []string{"sshd session killed"}},
}

// blows are those of the strikes that can hit at any moment.
var blows = []strike{
	{"queen killed", local("queen", syscall.SIGKILL), byKernel, unproven, "QUEEN_", false, false},
	{"keeper killed", local("keeper", syscall.SIGKILL), byKernel, mute, "", false, false},
	{"sshd session killed", kill(testbed.SSHSession), byKernel, proven, "NODE_LOST", false, false},
	{"reset", cut(testbed.RST), byKernel, unproven, "NODE_LOST", false, true},
	{"both dropped", cut(testbed.DropBoth), byLease, unproven, "NODE_LOST", false, true},
}

// ofUser picks what runs as the host's user, whatever it is, but for sshd itself.
func ofUser(h *testbed.Host) testbed.Match {
	return func(p testbed.Process) bool { return p.UID == h.UID() && !testbed.SSHSession(p) && !testbed.SSHD(p) }
}

// step is how often the far side of a transfer looks whether anything came (package deploy/install): it has no lease
// but a clock of its own.
const step = time.Second

func TestFaultBeforeAndAfterANodeDecodes(t *testing.T) {
	t.Parallel()
	full := os.Getenv("RBEE_FAULTS") == "full"
	for _, m := range moments {
		var specs []testbed.Spec
		for range blows {
			specs = append(specs, testbed.Spec{SSHD: engine(m.engine)})
		}
		b := hosts(t, specs...)
		t.Run(m.name, func(t *testing.T) {
			for i, s := range blows {
				if !full && !slices.Contains(m.often, s.name) {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					needs(t, b.Caps.Cut || !s.cuts, "a cut")
					needs(t, b.Caps.Slow || !m.bare, "a slow line, which holds the moment")
					t.Parallel()
					m.strike(t, b, b.Hosts[i], s)
				})
			}
		})
	}
}

func (m moment) strike(t *testing.T, b *testbed.Bed, h *testbed.Host, s strike) {
	if m.bare {
		if err := h.Slow(testbed.Line{Rate: 4_000_000}); err != nil {
			t.Fatal(err)
		}
	} else {
		visited(t, h, programs.Fake)
	}
	r := newWorld(t, b, programs.Fake).infer(h.Name, "--lease", lease.String())
	if !m.until(h, r) {
		t.Fatalf("the moment never came:\n%s", r.Stderr)
	}
	if err := s.do(h, r); err != nil {
		t.Fatal(err)
	}
	limit, says := lease+slack, s.code
	if s.when == byLease && m.name == "stopping" {
		limit += grace
	}
	if s.when == byLease && m.bare {
		limit, says = lease+2*step+slack, "NODE_LOST"
	}
	if left, err := h.WaitGone(limit, ofUser(h)); err != nil || len(left) > 0 {
		t.Errorf("alive after %v: %v %v", limit, left, err)
	}
	r.Clean(limit + proof + grace)
	code := r.End()
	if s.then != mute && code != 1 && (m.name != "stopping" || code != 143) {
		t.Errorf("exit code %d\n%s", code, r.Stderr)
	}
	if s.then != mute && m.name != "stopping" && !strings.Contains(r.Stderr.String(), says) {
		t.Errorf("the error is no %s:\n%s", says, r.Stderr)
	}
	heal(t, h, s.cuts || m.bare)
	nothingRuns(t, h, 0)
	if m.bare { // what was left half done is gone, or goes with the next visit, which works
		newWorld(t, b, programs.Fake).infer(h.Name).Want(0, "sending")
		bare(t, h)
	}
}
