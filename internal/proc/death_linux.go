package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// init asks for the parent-death signal where the parent could not: a hive's parent on another machine is its sshd
// session. Without it a hive that is frozen there when its queen's connection ends would stay for ever; CONT wakes
// it, and it reads the end of its stream.
//
// During init the goroutine runs on the main thread, which lives as long as the process.
func init() {
	death := map[string]unix.Signal{"CONT": unix.SIGCONT, "KILL": unix.SIGKILL}[os.Getenv(EnvDeath)]
	if death != 0 {
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(death), 0, 0, 0)
	}
}
