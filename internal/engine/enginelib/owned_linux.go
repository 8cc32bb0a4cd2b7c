package enginelib

import (
	"os/exec"
	"runtime"
	"syscall"
)

// runOwned runs a command that dies with this process, also if that is killed. The kernel's signal belongs to the
// thread that started the command, so this goroutine keeps it until the command is over.
func runOwned(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}
