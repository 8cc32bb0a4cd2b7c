package sshconn

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// server is a real sshd of the test's own, on loopback.
type server struct {
	dir     string
	port    int
	hostKey ssh.PublicKey
	user    string
	cmd     *exec.Cmd
}

// key makes a key pair with ssh-keygen, and returns the path of its private part.
func key(t testing.TB, dir, name string, options ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if slices.Contains(options, "rsa") { // slow to make: one for all, with another comment, format and passphrase
		one := rsaKey()
		write(t, path, read(t, one))
		write(t, path+".pub", read(t, one+".pub"))
		args := []string{"-q", "-p", "-f", path}
		for i, o := range options {
			if o == "-m" || o == "-N" {
				args = append(args, o, options[i+1])
			}
		}
		if !slices.Contains(args, "-N") {
			args = append(args, "-N", "")
		}
		run(t, "ssh-keygen", args...)
		return path
	}
	args := append([]string{"-q", "-f", path, "-C", name}, options...)
	if !strings.Contains(strings.Join(options, " "), "-N") {
		args = append(args, "-N", "")
	}
	if !strings.Contains(strings.Join(options, " "), "-t") {
		args = append(args, "-t", "ed25519")
	}
	run(t, "ssh-keygen", args...)
	return path
}

var rsaMade bool

var rsaKey = sync.OnceValue(func() string {
	rsaMade = true
	dir, err := os.MkdirTemp("", "rbee-rsa")
	if err == nil {
		err = exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", dir+"/key").Run()
	}
	if err != nil {
		panic(err)
	}
	return dir + "/key"
})

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func public(t testing.TB, path string) ssh.PublicKey {
	t.Helper()
	pub, err := readPublic(path)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serve starts sshd with one ed25519 host key, unless options name others, and with the user key that it makes in
// dir/user. More lines of sshd_config come first, so they win.
func serve(t testing.TB, options ...string) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s.user = me.Username
	key(t, s.dir, "host")
	s.hostKey = public(t, filepath.Join(s.dir, "host.pub"))
	key(t, s.dir, "user")
	write(t, filepath.Join(s.dir, "authorized_keys"), read(t, filepath.Join(s.dir, "user.pub")))
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755)
	}
	s.start(t, options...)
	return s
}

func (s *server) start(t testing.TB, options ...string) {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	for range 5 {
		if s.port == 0 {
			s.port = freePort(t)
		}
		config := strings.Join(append(options,
			"Port "+strconv.Itoa(s.port), "ListenAddress 127.0.0.1", "PidFile none", "StrictModes no", "UsePAM no",
			"PasswordAuthentication no", "KbdInteractiveAuthentication no", "LogLevel VERBOSE",
			"AuthorizedKeysFile "+filepath.Join(s.dir, "authorized_keys"), "HostKey "+filepath.Join(s.dir, "host"), ""), "\n")
		write(t, filepath.Join(s.dir, "sshd_config"), config)
		s.cmd = exec.Command(sshd, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
		out, err := s.cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Start(); err != nil {
			t.Fatalf("sshd (package openssh-server) is needed: %v", err)
		}
		up := make(chan bool, 1)
		log, err := os.Create(filepath.Join(s.dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer log.Close()
			for lines := bufio.NewScanner(out); lines.Scan(); {
				fmt.Fprintln(log, lines.Text())
				if strings.Contains(lines.Text(), "Server listening") {
					up <- true
				}
			}
			close(up)
		}()
		if <-up {
			cmd := s.cmd
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			})
			return
		}
		_ = s.cmd.Wait()
		s.port = 0 // somebody else took it
	}
	t.Fatalf("sshd does not start:\n%s", read(t, filepath.Join(s.dir, "log")))
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// home is the home folder of one who uses ssh: a config, and known_hosts with the servers' keys.
type home struct {
	dir    string
	config strings.Builder
}

func newHome(t testing.TB) *home {
	h := &home{dir: t.TempDir()}
	write(t, h.knownHosts(), "")
	return h
}

func (h *home) path(name string) string { return filepath.Join(h.dir, ".ssh", name) }
func (h *home) knownHosts() string      { return h.path("known_hosts") }

// knows adds a server's key as ssh would.
func (h *home) knows(t testing.TB, s *server) {
	h.append(t, xknownhosts.Line([]string{s.addr()}, s.hostKey)+"\n")
}

func (h *home) append(t testing.TB, line string) {
	t.Helper()
	write(t, h.knownHosts(), read(t, h.knownHosts())+line)
}

// host adds a Host with what is needed to reach s.
func (h *home) host(name string, s *server, more ...string) {
	fmt.Fprintf(&h.config, "Host %s\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  IdentityFile %s\n", name, s.port, s.user, filepath.Join(s.dir, "user"))
	for _, m := range more {
		fmt.Fprintf(&h.config, "  %s\n", m)
	}
}

// resolve answers for a name with this home.
func (h *home) resolve(t testing.TB, name string) Target {
	t.Helper()
	target, err := h.tryResolve(t, name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func (h *home) tryResolve(t testing.TB, name string) (Target, error) {
	t.Helper()
	write(t, h.path("config"), "")
	config := write(t, h.path("config"), h.config.String()+"\nHost *\n  IdentityAgent none\n  GlobalKnownHostsFile none\n")
	target, _, err := ResolveSSH(name, ResolveOptions{Home: h.dir, ConfigFile: config})
	return target, err
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
