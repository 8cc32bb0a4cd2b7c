package sshconn

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/fault"
)

// chain is a home from which "mac" is reached over two jump hosts, each a server of its own.
func chain(t testing.TB) (h *home, gate, inner, mac *server) {
	t.Helper()
	h, gate, inner, mac = newHome(t), serve(t), serve(t), serve(t)
	for _, s := range []*server{gate, inner, mac} {
		h.knows(t, s)
	}
	h.host("gate", gate)
	h.host("inner", inner)
	h.host("mac", mac, "ProxyJump gate,inner")
	return h, gate, inner, mac
}

func TestANodeIsReachedOverJumpHosts(t *testing.T) {
	h, gate, inner, _ := chain(t)
	works(t, h.resolve(t, "mac"), Options{})
	for _, s := range []*server{gate, inner} {
		if log := read(t, filepath.Join(s.dir, "log")); !strings.Contains(log, "Accepted publickey") {
			t.Errorf("not by way of port %d:\n%s", s.port, log)
		}
	}
}

func TestEachHopIsVerifiedAndNamed(t *testing.T) {
	for _, hop := range []string{"gate", "inner", "mac"} {
		t.Run(hop, func(t *testing.T) {
			h, gate, inner, mac := chain(t)
			bad := map[string]*server{"gate": gate, "inner": inner, "mac": mac}[hop]
			write(t, h.knownHosts(), "")
			for _, s := range []*server{gate, inner, mac} {
				if s != bad {
					h.knows(t, s)
				}
			}
			err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyUnknown)
			if !strings.HasSuffix(err.Hint, "rbee node trust "+hop) || hop != "mac" && !strings.Contains(err.Message, "jump host "+hop) || err.Details["hop"] != hop {
				t.Errorf("%s\n%s", err.Message, err.Hint)
			}
			h.append(t, line(bad.addr(), another(t)))
			refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyChanged)
		})
	}
}

func TestAJumpHostThatRefusesIsNamed(t *testing.T) {
	h, gate, _, mac := chain(t)
	write(t, filepath.Join(gate.dir, "authorized_keys"), "")
	if err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHAuthFailed); !strings.Contains(err.Message, "mac: its jump host gate") {
		t.Error(err.Message)
	}

	forbids := serve(t, "AllowTcpForwarding no")
	h.knows(t, forbids)
	h.host("forbids", forbids)
	h.host("behind", mac, "ProxyJump forbids")
	err := refused(t, h.resolve(t, "behind"), Options{Notify: once(t)}, fault.SSHUnreachable)
	if !strings.Contains(err.Hint, "AllowTcpForwarding") {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
}

// once fails the test when a second attempt is made.
func once(t testing.TB) func(int) {
	return func(n int) {
		if n > 1 {
			t.Errorf("attempt %d", n)
		}
	}
}

func TestALookAtTheKeyBehindAJumpHost(t *testing.T) {
	h, gate, inner, mac := chain(t)
	write(t, h.knownHosts(), "")
	h.knows(t, gate)
	h.knows(t, inner)
	target := h.resolve(t, "mac")
	key, err := ScanHostKey(t.Context(), target, Options{})
	if err != nil || fingerprint(key) != fingerprint(mac.hostKey) {
		t.Fatal(key, err)
	}
	if err := Trust(target, key); err != nil {
		t.Fatal(err)
	}
	works(t, target, Options{})
}

func TestCloseReturnsThoughTheJumpHostIsFrozen(t *testing.T) {
	h, gate, _, _ := chain(t)
	c := dial(t, h.resolve(t, "mac"), Options{})
	s := start(t, c, "exec sleep 60")
	freeze(t, child(t, gate))
	waiting := stuck(s)
	c.Close()
	within(t, 2*time.Second, "close", waiting)
	<-c.Lost()
}

func TestALostJumpHostIsNoticed(t *testing.T) {
	h, gate, _, _ := chain(t)
	c := dial(t, h.resolve(t, "mac"), Options{})
	s := start(t, c, "exec sleep 60")
	if err := syscall.Kill(child(t, gate), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Lost()
	if <-s.Done(); s.Exit().Known {
		t.Error(s.Exit())
	}
}

// child is the process of a server's only connection.
func child(t testing.TB, s *server) int {
	t.Helper()
	var pid int
	kids := read(t, fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
	if _, err := fmt.Sscan(kids, &pid); err != nil {
		t.Fatalf("%q: %v", kids, err)
	}
	return pid
}

// sshProxy is a ProxyCommand by OpenSSH's own client.
func (h *home) sshProxy(by string) string {
	return fmt.Sprintf("ProxyCommand ssh -F %s -o BatchMode=yes -o UserKnownHostsFile=%s -W %%h:%%p %s", h.path("config"), h.knownHosts(), by)
}

func TestAProxyCommandCarriesTheConnection(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.knows(t, s)
	h.host("gate", s)
	h.host("mac", s, h.sshProxy("gate"))
	c := dial(t, h.resolve(t, "mac"), Options{})
	pid := c.proxy.p.PID
	if out, exit := output(t, c, "echo", "in"); out != "in\n" || !exit.OK() {
		t.Errorf("%q, %v", out, exit)
	}
	c.Close()
	<-c.Lost()
	<-c.proxy.p.Exited()
	if err := syscall.Kill(-pid, 0); err != syscall.ESRCH {
		t.Errorf("its process group is still there: %v", err)
	}
}

func TestAProxyCommandThatFailsIsQuoted(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.host("mac", s, "ProxyCommand sh -c 'echo no way >&2; exit 1'")
	err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHUnreachable)
	if !strings.Contains(err.Message, "ProxyCommand: no way") || !strings.Contains(err.Message, "3 attempts") {
		t.Error(err.Message)
	}
}

func TestAFrozenProxyCommandIsATimeout(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.host("mac", s, "ProxyCommand sleep 60")
	target := h.resolve(t, "mac")
	target.ConnectTimeout = 50 * time.Millisecond
	refused(t, target, Options{}, fault.SSHTimeout)
}

func TestConnectionsLeaveNothingOpen(t *testing.T) {
	h, _, _, mac := chain(t)
	h.host("proxied", mac, h.sshProxy("gate"))
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	ways := []Target{h.resolve(t, "mac"), h.resolve(t, "proxied"), h.resolve(t, "gate")}
	stranger := h.resolve(t, "gate")
	stranger.User = "nobody"
	before := 0
	for i := range 5 {
		for _, target := range ways {
			c, err := Dial(t.Context(), target, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Start(t.Context(), []string{"cat"}); err != nil {
				t.Fatal(err)
			}
			c.Close()
			<-c.Lost()
			if c.proxy != nil {
				<-c.proxy.read
			}
		}
		refused(t, stranger, Options{}, fault.SSHAuthFailed)
		if i == 1 {
			before = count()
		}
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors, %d after more connections", before, after)
	}
}

func TestMatchExecDecides(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.knows(t, s)
	fmt.Fprintf(&h.config, "Match originalhost mac exec \"test %%n = mac\"\n HostName 127.0.0.1\n Port %d\n IdentityFile %s/user\n", s.port, s.dir)
	fmt.Fprintf(&h.config, "Match exec \"exit 1\"\n Port 1\n")
	target := h.resolve(t, "mac")
	if target.User = s.user; target.Port != s.port || !target.Known {
		t.Fatalf("%+v", target)
	}
	works(t, target, Options{})
}

func TestNobodyListensThere(t *testing.T) {
	h := newHome(t)
	h.host("mac", &server{dir: h.dir, port: freePort(t), user: "ana"})
	var attempts []int
	err := refused(t, h.resolve(t, "mac"), Options{Notify: func(n int) { attempts = append(attempts, n) }}, fault.SSHUnreachable)
	if fmt.Sprint(attempts) != "[1 2 3]" || !strings.Contains(err.Message, "3 attempts") || !strings.Contains(err.Message, "refused") || err.Details["attempts"] != 3 {
		t.Errorf("%v: %s", attempts, err.Message)
	}
}

func TestAnAttemptThatWorksIsTheLast(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.knows(t, s)
	h.host("mac", s)
	target := h.resolve(t, "mac")
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	attempts := 0
	works(t, target, Options{Notify: func(n int) {
		if attempts = n; n == 2 {
			s.start(t)
		}
	}})
	if attempts != 2 {
		t.Errorf("%d attempts", attempts)
	}
}

// Go never asks DNS for .onion (RFC 7686), so these names do not exist wherever the test runs.
func TestANameThatIsNowhereIsUnknown(t *testing.T) {
	h := newHome(t)
	err := refused(t, h.resolve(t, "no-such-host.onion"), Options{Notify: once(t)}, fault.NodeUnknown)
	if err.Details["node"] != "no-such-host.onion" || err.Hint == "" {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
	h.config.WriteString("Host mac\n HostName no-such-host.onion\n")
	if err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHUnreachable); !strings.Contains(err.Hint, "no-such-host.onion") {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
}

func TestTheCallerCanGiveUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := newHome(t)
	h.host("mac", &server{dir: h.dir, port: l.Addr().(*net.TCPAddr).Port, user: "ana"})
	target := h.resolve(t, "mac")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel() // once connected, in the middle of the handshake
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 1))
			t.Cleanup(func() { c.Close() })
		}
	}()
	if _, err := Dial(ctx, target, Options{}); fault.CodeOf(err) != fault.Cancelled {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, target, Options{}); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Error(err)
	}
}
