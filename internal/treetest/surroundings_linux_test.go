package treetest

import (
	"os"
	"strings"
	"testing"
)

func TestTreeAClosedStdoutEndsTheRunQuietly(t *testing.T) {
	t.Parallel()
	head := []string{"bash", "-c", `exec 3>&1; exec "$0" "$@" > >(head -c 5 >&3) 3>&-`}
	r := inferBy(t, head, fake, "RBEE_FAKE_ENGINE=tokens=1000000,rate=500", "-q")
	r.Want(141)
	if r.Stdout.String() != " tok0" || r.Stderr.String() != "" {
		t.Errorf("stdout %q, stderr %q", r.Stdout, r.Stderr)
	}
	r.Clean(0)
}

func TestTreeWithoutHOMEItIsEnoughToNameTheFolders(t *testing.T) {
	t.Parallel()
	r := infer(t, real, "HOME=", "--temperature", "0")
	r.Want(0)
	r.Clean(0)
}

// A log is never worth an answer. The state folder is a filesystem in a mount namespace of the run's own.
func TestTreeAnswersAlthoughThereIsNoPlaceForItsLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ how, says string }{
		"no folder can be made": {`mount -t tmpfs -o nr_inodes=1 none "$1"`, "no space left"},
		"no line can be said":   {`mount -t tmpfs -o size=4k none "$1"; head -c 4096 /dev/zero >"$1/full"`, "no space left"},
		"read-only":             {`mount -t tmpfs -o ro none "$1"`, "read-only file system"},
	} {
		state := t.TempDir()
		namespace := []string{"-m"}
		if os.Geteuid() != 0 {
			namespace = []string{"-r", "-m"}
		}
		by := append(append([]string{"unshare"}, namespace...), "sh", "-ec", c.how+"\nshift\nexec \"$@\"", "sh", state)
		r := inferBy(t, by, fake, "XDG_STATE_HOME="+state, "RBEE_FAKE_ENGINE=tokens=5,garbage=prefill")
		r.Want(0, "no log is kept", c.says)
		if !strings.Contains(r.Stdout.String(), "tok4") {
			t.Errorf("%s: stdout %q", name, r.Stdout)
		}
		r.Clean(0)
	}
}
