package testbed

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// netns is a network namespace, held by a descriptor. It has no name, so it ends with its last user.
type netns struct{ *os.File }

// apart runs f on a thread of its own that ends afterwards, so that f may change what the thread belongs to.
// It is never the main thread: that one does not end, and /proc/PID of the process shows what it belongs to.
func apart(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if unix.Gettid() != unix.Getpid() {
			done <- f()
			return
		}
		// Holding the main thread, so that the next goroutine gets another one.
		err := apart(f)
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// newNetns makes a network namespace in which no process is.
func newNetns() (ns netns, err error) {
	err = apart(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		ns, err = openNetns(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		return err
	})
	return ns, err
}

func openNetns(path string) (netns, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC, 0)
	return netns{f}, err
}

// do runs f in the namespace. What f opens or starts there stays there.
func (ns netns) do(f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("cannot enter the network namespace: %w", err)
		}
		return f()
	})
}

// run starts a program in the namespace with the given standard input and returns what it prints.
func (ns netns) run(input string, args ...string) (out string, err error) {
	err = ns.do(func() error {
		out, err = tool(input, args...)
		return err
	})
	return out, err
}

// ip carries out lines of ip(8) in the namespace.
func (ns netns) ip(lines ...string) error {
	_, err := ns.run(strings.Join(lines, "\n"), "ip", "-batch", "-")
	return err
}

// tool runs a program of this machine. Those of /usr/sbin need not be in the PATH.
func tool(input string, args ...string) (string, error) {
	program, err := look(args[0])
	if err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	c := exec.Command(program, args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	c.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s (input %q)", strings.Join(args, " "), err, strings.TrimSpace(errs.String()), input)
	}
	return out.String(), nil
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// packages names the Debian package of each program of the bed.
var packages = map[string]string{
	"ip": "iproute2", "tc": "iproute2", "ss": "iproute2", "nft": "nftables",
	"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
}

// look finds a program of this machine.
func look(name string) (string, error) {
	for dir := range strings.SplitSeq(systemPath, ":") {
		if p, err := exec.LookPath(dir + "/" + name); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("the test bed needs %s (Debian: apt-get install %s)", name, packages[name])
}
