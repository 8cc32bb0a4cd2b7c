package treetest

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A model is not deleted under a worker that no daemon and no hive of the command's own knows.
func TestTreeAModelThatAnotherRunUsesIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := infer(t, fake, "RBEE_FAKE_ENGINE=tokens=100000,rate=200")
	r.Stdout.Wait("tok3")
	rm := func() (string, error) {
		c := exec.Command(fake+"/rbee", "model", "rm", "demo")
		c.Env = r.Cmd.Env
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := rm(); err == nil || !strings.Contains(out, "MODEL_IN_USE") || !strings.Contains(out, "a worker of another run has ") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := r.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.Want(143, "0 forced")
	if out, err := rm(); err != nil || !strings.Contains(out, "deleted demo") {
		t.Errorf("when nobody uses it any more: %v\n%s", err, out)
	}
	r.Clean(0)
}
