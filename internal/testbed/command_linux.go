package testbed

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command is a command to be run inside a host, without ssh and without a shell. It is an exec.Cmd that starts
// elsewhere: its descriptors are the test's, so pipes work as usual.
//
// (nsenter(1) would do, but it stops itself when its child is stopped, and nobody continues it.)
type Command struct {
	*exec.Cmd
	h *Host
}

// Command makes a command of a user, "root" included. It starts in the home, with only PATH, HOME and USER set.
// Without root it is a command of the current user, whoever is named.
func (h *Host) Command(user string, args ...string) *Command {
	c := exec.Command("/usr/bin/env", append([]string{"--"}, args...)...) // looks in the PATH as the host sees it
	if !h.bed.Caps.Hosts {
		c.Dir, c.Env = h.Home(""), append(h.environment(), "PATH="+h.path())
		return &Command{c, h}
	}
	home, uid := "/ro"+"ot", 0
	for _, u := range h.Spec.Users {
		if u.Name == user {
			home, uid = u.home(), u.UID
		}
	}
	c.Dir, c.Env = home, []string{"PATH=" + systemPath, "HOME=" + home, "USER=" + user}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	return &Command{c, h}
}

// Start starts it.
func (c *Command) Start() error {
	if !c.h.bed.Caps.Hosts {
		return c.Cmd.Start()
	}
	return apart(func() error {
		// A thread shares its root with the others and must not, to get another one.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
		fd, err := unix.PidfdOpen(c.h.init.Pid, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// The pid namespace is that of the next child only; the rest is the thread's.
		if err := unix.Setns(fd, unix.CLONE_NEWNS|unix.CLONE_NEWPID|unix.CLONE_NEWUTS|unix.CLONE_NEWNET|unix.CLONE_NEWIPC); err != nil {
			return fmt.Errorf("cannot enter host %s: %w", c.h.Name, err)
		}
		return c.Cmd.Start()
	})
}

// Run runs it to its end.
func (c *Command) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs it and returns what it prints; what it complains of is in the error.
func (c *Command) Output() (string, error) {
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %s: %w: %s", c.h.Name, strings.Join(c.Args[2:], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Exec runs a command inside the host as root and returns what it prints.
func (h *Host) Exec(args ...string) (string, error) { return h.Command("root", args...).Output() }
