package testbed

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// session starts a command on the host by ssh that says "up" and then stays.
func session(t *testing.T, b *Bed, host, run string) *exec.Cmd {
	t.Helper()
	c := exec.Command("ssh", "-F", b.SSHConfig, host, "exec env RBEE_RUN_ID="+run+" perl -e '$| = 1; print qq(up\\n); sleep 1000'")
	out, err := c.StdoutPipe()
	if err == nil {
		err = b.Start(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProcessesShowTheHostAndNotItsNeighbours(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{})
	session(t, b, "h1", "run-one")
	session(t, b, "h2", "run-two")
	all := must(b.Host("h1").Processes())(t)
	var names []string
	for _, p := range all {
		names = append(names, p.Args[0])
		if p.Run == "run-two" {
			t.Errorf("of the neighbour: %v", p)
		}
		if p.Name() == "perl" && (p.Run != "run-one" || p.UID != 2001 || p.Inner == p.PID || p.Parent == 0) {
			t.Errorf("%+v", p)
		}
	}
	// The server, its two processes for the connection, and what it runs.
	if got := strings.Join(names, ", "); len(all) != 4 || !strings.Contains(got, "sshd: bee@notty, perl") {
		t.Errorf("%s", got)
	}
}

func TestKillEndsWhatIsNamedAndNothingElse(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	c := session(t, b, "h1", "r")
	if dead := must(h.Kill(Named("perl")))(t); len(dead) != 1 {
		t.Errorf("%v", dead)
	}
	if left := must(h.Find(OfRun("r")))(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	c.Wait() // the session's end reaches the client
	if server := must(h.Find(SSHD))(t); len(server) != 1 {
		t.Errorf("%v", server)
	}
	if _, err := h.Kill(Named("perl")); err == nil {
		t.Error("killing nothing is no error")
	}
}

func TestAKilledSessionLeavesItsCommandBehind(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	c := session(t, b, "h1", "r")
	if dead := must(h.Kill(SSHSession))(t); len(dead) != 2 {
		t.Errorf("%v", dead)
	}
	c.Wait()
	left := must(h.Find(OfRun("r")))(t)
	if len(left) != 1 || left[0].Parent != h.init.Pid {
		t.Errorf("want the command alone, as a child of init: %v", left)
	}
}

func TestAFrozenHostSaysNothingUntilItThaws(t *testing.T) {
	t.Parallel()
	h := hosts(t).Host("h1")
	c := dial(t, echo(t, h))
	if err := ask(c, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, p := range must(h.Freeze(Any))(t) {
		if now, _ := readProcess(p.PID); now.State != 'T' {
			t.Errorf("not stopped: %v", now)
		}
	}
	if err := ask(c, silence); err == nil {
		t.Error("a frozen process answers")
	}
	must(h.Thaw(Any))(t)
	if err := ask(c, 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestWaitingForAnEndIsOverWithItOrWithTheLimit(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	session(t, b, "h1", "r")
	if left, err := h.WaitGone(50*time.Millisecond, OfRun("r")); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
	p := must(h.Find(OfRun("r")))(t)[0]
	must(h.Exec("sh", "-c", fmt.Sprintf("(sleep 0.1; kill %d) >/dev/null 2>&1 &", p.Inner)))(t)
	if left, err := h.WaitGone(patience, OfRun("r")); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
}
