package doctor

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rbee/internal/proc"
)

// Other tests leave orphans on purpose, at the same time: only this one's are looked at.
var thisRun = "doctor-" + strconv.Itoa(os.Getpid())

func ours(f proc.Found) bool { return f.Run == thisRun && orphaned(f) }

// sleeper starts a process that carries a run's environment; its root is what the test says.
func sleeper(t *testing.T, root string, changes ...func(*exec.Cmd)) *exec.Cmd {
	t.Helper()
	c := exec.Command("sleep", "60")
	for _, change := range changes {
		change(c)
	}
	c.Env = append(os.Environ(), proc.EnvRun+"="+thisRun, proc.EnvLife+"=queen.1", proc.EnvRoot+"="+root)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c
}

// dead returns the identity of a process that is no more.
func dead(t *testing.T) string {
	t.Helper()
	c := exec.Command("true")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	id := proc.IdentityOf(c.Process.Pid)
	c.Wait()
	return id.String()
}

func TestFixEndsOnlyWhatHasNoRoot(t *testing.T) {
	orphan := sleeper(t, dead(t))
	owned := sleeper(t, proc.Self().String())
	var out bytes.Buffer
	left, err := run(context.Background(), &out, false, ours)
	if err != nil || left < 1 || !strings.Contains(out.String(), "pid "+strconv.Itoa(orphan.Process.Pid)) {
		t.Fatalf("without --fix: left %d, %v\n%s", left, err, out.String())
	}
	if strings.Contains(out.String(), "pid "+strconv.Itoa(owned.Process.Pid)+" ") {
		t.Errorf("a process whose root lives is listed:\n%s", out.String())
	}
	if !proc.IdentityOf(orphan.Process.Pid).Alive() {
		t.Fatal("listing ended a process")
	}
	if left, err = run(context.Background(), &out, true, ours); err != nil || left != 0 {
		t.Fatalf("with --fix: left %d, %v\n%s", left, err, out.String())
	}
	if err := orphan.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the orphan ended with %v, want killed", err)
	}
	if !proc.IdentityOf(owned.Process.Pid).Alive() {
		t.Error("a process whose root lives was ended")
	}
}

func TestAReusedPidIsNotTheRoot(t *testing.T) {
	self := proc.Self()
	self.Start++ // the same pid, another life
	orphan := sleeper(t, self.String())
	for _, f := range proc.Find(ours) {
		if f.PID == orphan.Process.Pid {
			return
		}
	}
	t.Error("a process whose root's pid belongs to somebody else now is not seen as left over")
}

func TestWhatLivesInAContainerIsLeftToTheContainer(t *testing.T) {
	contained := sleeper(t, dead(t), func(c *exec.Cmd) { // its root may well live in there, under another pid
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		if os.Geteuid() != 0 {
			c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		}
	})
	for _, f := range proc.Find(ours) {
		if f.PID == contained.Process.Pid {
			t.Error("a process in another pid namespace is seen as left over")
		}
	}
	mine := func(f proc.Found) bool { return f.Run == thisRun && f.PID == contained.Process.Pid }
	if found := proc.Find(mine); len(found) != 1 || !found[0].Contained {
		t.Errorf("the process was found as %+v, want it contained", found)
	}
}
