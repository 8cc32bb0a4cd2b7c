package nodetest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// daemon is one `queen-rbee daemon` of a world.
type daemon struct {
	*world
	cmd    *exec.Cmd
	socket string
	log    *treekit.Watched
}

// daemon starts one and returns when it serves.
func (w *world) daemon(flags ...string) *daemon {
	w.t.Helper()
	d := &daemon{world: w, socket: filepath.Join(w.dir, "q", "queen.sock")}
	d.cmd = exec.Command(filepath.Join(w.bin, "queen-rbee"), append([]string{"daemon", "--socket", d.socket, "--lease", lease.String(), "--grace", grace.String()}, flags...)...)
	d.cmd.Env = w.environment()
	errs, err := d.cmd.StderrPipe()
	if err := errors.Join(err, d.cmd.Start()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { d.cmd.Process.Kill() })
	d.log = treekit.Watch(errs)
	if !d.log.Wait(`"serving"`) {
		w.t.Fatal(d.log)
	}
	return d
}

// ask has it answer on a node.
func (d *daemon) ask(node string, args ...string) *treekit.Run {
	d.t.Helper()
	return d.infer(node, append(args, "--socket", d.socket)...)
}

// reuses has it answer on a node, by a worker that is there already.
func (d *daemon) reuses(node string) {
	d.t.Helper()
	r := d.ask(node)
	if r.Want(0); strings.Contains(r.Stderr.String(), "starting worker") {
		d.t.Errorf("another worker was started on %s:\n%s", node, r.Stderr)
	}
}

// stop asks it to stop, and checks its exit code, 0 or one of those, and that nothing runs anywhere.
func (d *daemon) stop(b *testbed.Bed, codes ...int) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	d.log.Over()
	if err := d.cmd.Wait(); err != nil && !slices.Contains(codes, d.cmd.ProcessState.ExitCode()) {
		d.t.Errorf("the daemon ended with %v\n%s", err, d.log)
	}
	empty(d.t, b)
}

// livesOn returns the addresses of the hives that run on a host.
func livesOn(t *testing.T, h *testbed.Host) (lives []string) {
	t.Helper()
	found, err := h.Find(testbed.Named("hive"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		lives = append(lives, p.Life)
	}
	return lives
}

// back waits until the daemon has a hive on a host again, by itself, for the n-th time, and returns its life.
func (d *daemon) back(h *testbed.Host, n int) string {
	d.t.Helper()
	if !d.log.WaitTimes("node "+h.Name+" is back", n) {
		d.t.Fatal(d.log)
	}
	lives := livesOn(d.t, h)
	if len(lives) != 1 {
		d.t.Fatalf("it came back as %v\n%s", lives, d.log)
	}
	return lives[0]
}

func TestTreeADaemonReachesALostNodeAgainByItself(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{SSHD: engine("tokens=20")}, testbed.Spec{SSHD: engine("tokens=20")})
	h := b.Host("h1")
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	d := newWorld(t, b, programs.Fake).daemon()
	d.ask("h1").Want(0, "starting worker")
	d.reuses("h1")
	d.ask("h1,h2").Want(0, "placed on h1: its worker has the model")
	first := livesOn(t, h)
	if len(first) != 1 || !strings.HasSuffix(first[0], "hive-h1.1") {
		t.Fatalf("%v", first)
	}
	if _, err := h.Kill(testbed.Named("hive")); err != nil {
		t.Fatal(err)
	}
	if second := d.back(h, 1); !strings.HasSuffix(second, "hive-h1.2") {
		t.Errorf("%s came back as %s", first, second)
	}
	d.ask("h1").Want(0, "starting worker")

	t.Run("the same after a cut", func(t *testing.T) { // what was there ends by itself, and the new life is another one
		needs(t, b.Caps.Cut, "a cut")
		if err := h.Cut(testbed.DropBoth); err != nil {
			t.Fatal(err)
		}
		nothingRuns(t, h, lease+slack)
		if err := h.Heal(); err != nil {
			t.Fatal(err)
		}
		if third := d.back(h, 2); strings.HasSuffix(third, ".1") || strings.HasSuffix(third, ".2") {
			t.Errorf("after the cut it came back as %s", third)
		}
		d.ask("h1").Want(0, "starting worker")
	})
	d.stop(b)
}

func TestTreeADaemonServesTheOtherNodesWhileOneIsCutOff(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{SSHD: engine("tokens=100000,rate=200")}, testbed.Spec{SSHD: engine("tokens=20")})
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
	}
	needs(t, b.Caps.Cut, "a cut")
	d := newWorld(t, b, programs.Fake).daemon()
	cut := d.ask("h1", "--no-continue") // else it would try to reach h1 again
	if !cut.Stdout.Wait("tok9") {
		t.Fatal(cut.Stderr)
	}
	d.ask("h2").Want(0, "starting worker")
	if err := b.Host("h1").Cut(testbed.DropBoth); err != nil {
		t.Fatal(err)
	}
	d.reuses("h2")
	cut.Want(1, "NODE_LOST")
	d.reuses("h2")
	nothingRuns(t, b.Host("h1"), slack)
	if err := b.Host("h1").Heal(); err != nil {
		t.Fatal(err)
	}
	d.back(b.Host("h1"), 1)
	d.stop(b)
}
