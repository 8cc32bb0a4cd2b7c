package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a host may take to come up or go: far more than it needs, on a machine that is busy.
const patience = 20 * time.Second

// Host is a machine of the bed.
type Host struct {
	Spec Spec
	Name string
	Addr string
	Port int
	User string // who the bed's key logs in as, unless told otherwise

	bed     *Bed
	number  int // last byte of its address
	init    *os.Process
	ns      netns
	control net.Conn
	in      *json.Decoder
	log     *hostLog
	starts  int // of sshd

	dir     string     // of a server without root
	lacks   []string   // what of its spec it is not, without root
	limited bool       // by a token bucket
	forward *forwarder // while delayed or lossy
}

// start makes the host: its init, its cable, and what is in its file system.
func (h *Host) start(etc map[string]string) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close()
	h.control, err = net.FileConn(ours)
	ours.Close()
	if err != nil {
		return err
	}
	h.in = json.NewDecoder(h.control)
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	h.log = collect(r)
	h.init, err = h.bed.spawn.init(w, theirs, owner(os.Getpid()))
	w.Close()
	if err != nil {
		return err
	}
	if h.ns, err = openNetns(fmt.Sprintf("/proc/%d/ns/net", h.init.Pid)); err != nil {
		return err
	}
	if err := h.bed.net.plug(h.number, h.init.Pid, h.ns); err != nil {
		return err
	}
	if err := h.onlyThrough(h.Spec.Jump); err != nil {
		return err
	}
	sshd, err := look("sshd")
	if err != nil {
		return err
	}
	return h.send(plan{Spec: h.Spec, Etc: etc, SSHD: []string{sshd, "-D", "-e", "-f", "/etc/ssh/sshd_config"}})
}

// onlyThrough lets only another host in, if one is named.
func (h *Host) onlyThrough(jump string) error {
	if jump == "" {
		return nil
	}
	_, err := h.ns.run(fmt.Sprintf("add table inet behind\nadd chain inet behind in { type filter hook input priority 0; }\n"+
		"add rule inet behind in iif eth0 ip saddr != %s tcp flags & (syn|ack) == syn drop\n", h.bed.Host(jump).Addr), "nft", "-f", "-")
	return err
}

func (h *Host) send(message any) error {
	h.control.SetDeadline(time.Now().Add(patience))
	return json.NewEncoder(h.control).Encode(message)
}

// ready waits until init has done what it was told, and sshd takes connections.
func (h *Host) ready() error {
	h.starts++
	var failed string
	if err := h.in.Decode(&failed); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	if failed != "" {
		return errors.New(failed)
	}
	return h.log.wait("Server listening on", h.starts)
}

// StartSSHD starts another sshd after the first one was killed, and waits until it takes connections.
func (h *Host) StartSSHD() error {
	if !h.bed.Caps.Hosts {
		return h.startServer()
	}
	return errors.Join(h.send("again"), h.ready())
}

// Log returns what sshd said so far.
func (h *Host) Log() string {
	if h.log == nil {
		return ""
	}
	return h.log.String()
}

// Path is where a file of the host is found from outside. Absolute links in it lead astray.
func (h *Host) Path(path string) string {
	if !h.bed.Caps.Hosts {
		return path
	}
	return filepath.Join(fmt.Sprintf("/proc/%d/root", h.init.Pid), path)
}

// Home is the home of a user as the host sees it, of the first one if name is "".
func (h *Host) Home(name string) string {
	if !h.bed.Caps.Hosts {
		return filepath.Join(h.dir, "home")
	}
	for _, u := range h.Spec.Users {
		if name == "" || u.Name == name {
			return u.home()
		}
	}
	return ""
}

// UID is that of the host's first user, as files of the host show it.
func (h *Host) UID() int {
	if !h.bed.Caps.Hosts {
		return os.Getuid()
	}
	return h.Spec.Users[0].UID
}

// Hostname is what the host calls itself.
func (h *Host) Hostname() string {
	if !h.bed.Caps.Hosts {
		name, _ := os.Hostname()
		return name
	}
	return h.Name
}

// Server is where sshd listens.
func (h *Host) Server() string { return net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)) }

// Lacks names what of its spec the host is not, since that needs root.
func (h *Host) Lacks() []string { return h.lacks }

// close ends the host: the kernel ends a pid namespace with its init, and the rest with its last process.
func (h *Host) close() error {
	var errs []error
	if !h.bed.Caps.Hosts {
		return h.closeServer()
	}
	if h.forward != nil {
		h.forward.close()
	}
	if h.control != nil {
		h.control.Close()
	}
	if h.init != nil {
		h.init.Kill()
		_, err := h.init.Wait() // returns when the last process of the namespace is gone
		errs = append(errs, err)
	}
	if h.ns.File != nil {
		errs = append(errs, h.ns.Close())
	}
	if h.log != nil {
		errs = append(errs, h.log.close())
	}
	return errors.Join(errs...)
}
