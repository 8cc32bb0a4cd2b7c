package testbed

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// ErrNeedsRoot is returned by what cannot be done without root.
var ErrNeedsRoot = errors.New("the test bed needs root for this")

// Caps says what the bed can do here. All are false without root.
type Caps struct {
	Hosts bool // hosts are machines of their own: namespaces, users, homes with limits, hidden programs
	Cut   bool
	Slow  bool
}

// Bed is a set of hosts and what is needed to reach them by ssh.
type Bed struct {
	Hosts []*Host
	Caps  Caps

	Dir        string // of the files below
	KeyFile    string // private key that opens every account
	KnownHosts string // with every host's key or authority
	SSHConfig  string // one Host entry for each host: ssh -F SSHConfig h1

	t     testing.TB
	keys  keys
	net   *network // nil without root
	spawn *spawner

	isPlain bool // no offloads: see plain

	mu      sync.Mutex
	leftOut map[string]bool
}

// New makes hosts, h1 by Spec{} and so on, waits until they can be reached, and ends them with the test.
// Without root they are what can be had without (see the package).
func New(t testing.TB, specs ...Spec) *Bed {
	t.Helper()
	specs, err := complete(specs)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	b := &Bed{t: t, Dir: t.TempDir(), leftOut: map[string]bool{}}
	b.keys = keys{b.Dir}
	b.KeyFile, b.KnownHosts, b.SSHConfig = b.keys.path("user"), filepath.Join(b.Dir, "known_hosts"), filepath.Join(b.Dir, "ssh_config")
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Errorf("testbed: %v", err)
		}
	})
	if err := b.build(specs); err != nil {
		for _, h := range b.Hosts {
			t.Logf("log of %s:\n%s", h.Name, h.Log())
		}
		t.Fatalf("testbed: %v", err)
	}
	return b
}

func (b *Bed) build(specs []Spec) error {
	for _, program := range []string{"sshd", "ssh-keygen"} {
		if _, err := look(program); err != nil {
			return err
		}
	}
	if err := errors.Join(b.keys.make("user"), b.keys.make("ca")); err != nil {
		return err
	}
	if err := sweep(); err != nil {
		return err
	}
	b.spawn = newSpawner()
	if privileged() {
		b.Caps = Caps{Hosts: true, Cut: true, Slow: true}
		return errors.Join(b.buildHosts(specs), b.writeClient())
	}
	return errors.Join(b.buildServers(specs), b.writeClient())
}

// privileged reports whether namespaces can be made: by root, unless a container forbids it.
func privileged() bool {
	return apart(func() error { return unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS) }) == nil
}

func (b *Bed) buildHosts(specs []Spec) (err error) {
	if b.net, err = newNetwork(); err != nil {
		return err
	}
	hosts := &strings.Builder{}
	for i, s := range specs {
		fmt.Fprintf(hosts, "%s %s\n", b.net.address(firstHost+i), s.Name)
	}
	for i, s := range specs {
		h := &Host{Spec: s, Name: s.Name, Addr: b.net.address(firstHost + i).String(), Port: s.Port, User: s.Users[0].Name, bed: b, number: firstHost + i}
		b.Hosts = append(b.Hosts, h)
		files, err := b.sshFiles(s, h.Addr, "/etc/ssh")
		if err != nil {
			return err
		}
		files["hosts"] = "127.0.0.1 localhost\n::1 localhost\n" + hosts.String()
		if err := h.start(etcFiles(s, files)); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	if err := b.net.up(); err != nil {
		return err
	}
	for _, h := range b.Hosts {
		if err := h.ready(); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	return nil
}

// Host returns the host of that name.
func (b *Bed) Host(name string) *Host {
	b.t.Helper()
	for _, h := range b.Hosts {
		if h.Name == name {
			return h
		}
	}
	b.t.Fatalf("testbed: no host is called %s", name)
	return nil
}

// LeftOut names what was asked for and could not be had without root, such as "h1: Shell" or "Cut(RST)".
func (b *Bed) LeftOut() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.leftOut))
}

// needsRoot returns nil if what can be done here, else ErrNeedsRoot, and remembers what was left out.
func (b *Bed) needsRoot(can bool, what string) error {
	if can {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leftOut[what] = true
	return fmt.Errorf("%s: %w", what, ErrNeedsRoot)
}

// close ends every host and waits until nothing of it is there.
func (b *Bed) close() error {
	if left := b.LeftOut(); len(left) > 0 {
		b.t.Logf("testbed: left out, since it needs root: %s", strings.Join(left, ", "))
	}
	var errs []error
	for _, h := range b.Hosts {
		errs = append(errs, h.close())
	}
	if b.net != nil {
		errs = append(errs, b.net.close())
	}
	if b.spawn != nil {
		b.spawn.close()
	}
	return errors.Join(errs...)
}
