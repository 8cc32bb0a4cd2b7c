package supervisor

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestAStartThatTheSystemRefusesSaysWhichLimitItWas(t *testing.T) {
	for err, says := range map[error]string{
		fmt.Errorf("cannot make a pipe: %w", syscall.EMFILE):              "ulimit -n",
		&fs.PathError{Op: "open", Path: "/dev/null", Err: syscall.ENFILE}: "fs.file-max",
		fmt.Errorf("fork: %w", syscall.EAGAIN):                            "ulimit -u",
		fmt.Errorf("fork: %w", syscall.ENOMEM):                            "memory",
		fmt.Errorf("exec: %w", syscall.ENOEXEC):                           "belong in one folder",
	} {
		if got := cure(err); !strings.Contains(got, says) {
			t.Errorf("%v: %q, want %q", err, got, says)
		}
	}
}
