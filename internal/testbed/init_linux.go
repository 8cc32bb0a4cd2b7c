package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// initName is argv[0] of a host's init; argv[1] is who owns it (see sweep).
const initName = "rbee-testbed-init"

// The test binary becomes a host's init here, before any test could run: a hook that tests had to call could be
// forgotten, and the binary would then run its tests inside itself.
func init() {
	if os.Args[0] == initName {
		os.Exit(hostInit())
	}
}

// plan is what an init makes of its namespaces. It comes over the control socket, descriptor 3.
type plan struct {
	Spec   Spec
	Shared []string
	Etc    map[string]string // files by path below /etc; those of /etc/ssh are secret
	SSHD   []string          // argument vector
}

// hostInit is pid 1 of a host: it makes the host, starts sshd whenever it is asked to, and reaps. It ends, and with
// it all of the host, when its owner does.
func hostInit() int {
	control := os.NewFile(3, "control")
	unix.CloseOnExec(3)
	in, out := json.NewDecoder(control), json.NewEncoder(control)
	var p plan
	if err := in.Decode(&p); err != nil {
		return 1
	}
	err := p.build()
	go reap()
	for {
		if err == nil {
			err = startSSHD(p.SSHD)
		}
		answer := ""
		if err != nil {
			answer = err.Error()
		}
		if out.Encode(answer) != nil {
			return 1
		}
		var again string
		if in.Decode(&again) != nil {
			return 0
		}
	}
}

// build makes the host out of the namespaces that this process was born into.
func (p plan) build() error {
	if err := unix.Sethostname([]byte(p.Spec.Name)); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	return errors.Join(p.mounts(), os.Chdir("/"))
}

// startSSHD starts sshd with nothing of the test's environment.
func startSSHD(argv []string) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	_, err = os.StartProcess(argv[0], argv, &os.ProcAttr{
		Env: []string{"PATH=" + systemPath}, Files: []*os.File{null, os.Stderr, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// reap waits for every child of init, its own and the host's orphans.
func reap() {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	for {
		for {
			var s unix.WaitStatus
			if pid, err := unix.Wait4(-1, &s, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
				break
			}
		}
		<-died
	}
}
