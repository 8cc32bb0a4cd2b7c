package sshconn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"rbee/internal/fault"
)

// line is a line of known_hosts for a key.
func line(name string, key ssh.PublicKey) string { return xknownhosts.Line([]string{name}, key) + "\n" }

// another is a host key that nobody has.
func another(t testing.TB) ssh.PublicKey {
	t.Helper()
	return public(t, key(t, t.TempDir(), "another")+".pub")
}

func TestAnUnknownHostIsRefusedWithItsFingerprint(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.host("mac", s)
	target := h.resolve(t, "mac")
	err := refused(t, target, Options{Notify: func(n int) {
		if n > 1 {
			t.Error("tried again")
		}
	}}, fault.SSHHostKeyUnknown)
	if want := ssh.FingerprintSHA256(s.hostKey); !strings.Contains(err.Message, "ssh-ed25519 "+want) || err.Details["fingerprint"] != want ||
		!strings.HasSuffix(err.Hint, "run: rbee node trust mac") {
		t.Errorf("%s\n%s\n%v", err.Message, err.Hint, err.Details)
	}
}

func TestStrictHostKeyCheckingCannotBeWeakened(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.host("mac", s, "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null")
	refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyUnknown)
}

func TestAChangedKeyIsAlwaysRefused(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.append(t, "# mine\n\n"+line(s.addr(), another(t)))
	h.host("mac", s)
	target := h.resolve(t, "mac")
	err := refused(t, target, Options{}, fault.SSHHostKeyChanged)
	if at := h.knownHosts() + ":3"; !strings.Contains(err.Message, at) || !strings.Contains(err.Hint, at) ||
		!strings.Contains(err.Message, ssh.FingerprintSHA256(s.hostKey)) {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
	before := read(t, h.knownHosts())
	if err := Trust(target, s.hostKey); fault.CodeOf(err) != fault.SSHHostKeyChanged {
		t.Errorf("trusted a changed key: %v", err)
	}
	if read(t, h.knownHosts()) != before {
		t.Error("known_hosts was changed")
	}
}

// A key of another kind than the known one is a change too: an attacker could just show a kind nobody knows.
func TestAKeyOfAnotherKindIsAChange(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.append(t, line(s.addr(), public(t, key(t, s.dir, "ecdsa", "-t", "ecdsa")+".pub")))
	h.host("mac", s)
	refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyChanged)
}

// The server has keys of several kinds, of which we know one: each time another.
func TestTheKnownKindOfKeyIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	rsa, ecdsa := key(t, dir, "rsa", "-t", "rsa", "-b", "2048"), key(t, dir, "ecdsa", "-t", "ecdsa")
	s := serve(t, "HostKey "+rsa, "HostKey "+ecdsa)
	for _, known := range []ssh.PublicKey{s.hostKey, public(t, rsa+".pub"), public(t, ecdsa+".pub")} {
		h := newHome(t)
		h.append(t, line(s.addr(), known))
		h.host("mac", s)
		works(t, h.resolve(t, "mac"), Options{})
	}
}

func TestKnownHostsAreReadAsOpenSSHReadsThem(t *testing.T) {
	s := serve(t)
	k := func(name string) string { return line(name, s.hostKey) }
	port := strings.TrimPrefix(s.addr(), "127.0.0.1:")
	bare := strings.TrimPrefix(k("x"), "x") // " ssh-ed25519 AAAA..."
	for fact, c := range map[string]struct {
		known string
		more  []string
	}{
		"with its port":             {k(s.addr()), nil},
		"hashed":                    {xknownhosts.HashHostname("[127.0.0.1]:"+port) + bare, nil},
		"one of several names":      {"a,[127.0.0.1]:" + port + ",b" + bare, nil},
		"without a port":            {"127.0.0.1" + bare, nil},
		"by a wildcard":             {"127.0.0.*" + bare, nil},
		"under an alias":            {"other" + bare, []string{"HostKeyAlias other"}},
		"beside lines of nonsense":  {"nonsense\n@what x y z\n" + k(s.addr()), nil},
		"beside a key of before":    {line(s.addr(), another(t)) + k(s.addr()), nil},
		"without a last line break": {strings.TrimSpace(k(s.addr())), nil},
	} {
		t.Run(fact, func(t *testing.T) {
			h := newHome(t)
			h.append(t, c.known)
			h.host("mac", s, c.more...)
			works(t, h.resolve(t, "mac"), Options{})
		})
	}
	t.Run("but not in a file of nonsense only", func(t *testing.T) {
		h := newHome(t)
		h.append(t, "nonsense\n")
		h.host("mac", s)
		if err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyUnknown); !strings.Contains(err.Message, h.knownHosts()) {
			t.Error(err.Message)
		}
	})
}

func TestSeveralFilesAreRead(t *testing.T) {
	s, h := serve(t), newHome(t)
	second, global := h.path("second"), h.path("global")
	write(t, second, line(s.addr(), s.hostKey))
	h.host("mac", s, "UserKnownHostsFile "+h.path("none")+" "+second)
	works(t, h.resolve(t, "mac"), Options{})

	h = &home{dir: h.dir}
	write(t, global, line(s.addr(), s.hostKey))
	h.host("mac", s, "GlobalKnownHostsFile "+global)
	works(t, h.resolve(t, "mac"), Options{})
}

func TestACertificateOfTheHostIsVerified(t *testing.T) {
	dir := t.TempDir()
	ca, rogue := key(t, dir, "ca"), key(t, dir, "rogue", "-t", "ecdsa")
	hostKey := key(t, dir, "certified", "-t", "ecdsa")
	sign := func(ca, principal string, more ...string) {
		run(t, "ssh-keygen", append(append([]string{"-q", "-s", ca, "-I", "host", "-h", "-n", principal}, more...), hostKey+".pub")...)
	}
	sign(ca, "127.0.0.1")
	s := serve(t, "HostKey "+hostKey, "HostCertificate "+hostKey+"-cert.pub")
	authority := func(k string) string {
		return "@cert-authority 127.0.0.*" + strings.TrimPrefix(line("x", public(t, k+".pub")), "x")
	}
	trial := func(known string) Target {
		h := newHome(t)
		h.append(t, known)
		h.host("mac", s)
		return h.resolve(t, "mac")
	}
	works(t, trial(authority(ca)), Options{}) // the authority's key is of another kind than the host's
	works(t, trial(authority(rogue)+line(s.addr(), public(t, hostKey+".pub"))), Options{})
	works(t, trial(line(s.addr(), s.hostKey)), Options{}) // no authority: the certificate of the other key is not asked for
	refused(t, trial(authority(rogue)), Options{}, fault.SSHHostKeyUnknown)
	refused(t, trial(authority(ca)+"@revoked *"+strings.TrimPrefix(line("x", public(t, hostKey+".pub")), "x")), Options{}, fault.SSHHostKeyChanged)
	refused(t, trial(authority(ca)+"@revoked *"+strings.TrimPrefix(line("x", public(t, ca+".pub")), "x")), Options{}, fault.SSHHostKeyUnknown)

	for _, bad := range [][]string{{"other.example"}, {"127.0.0.1", "-V", "20000101:20000102"}} {
		sign(ca, bad[0], bad[1:]...)
		s = serve(t, "HostKey "+hostKey, "HostCertificate "+hostKey+"-cert.pub")
		if err := refused(t, trial(authority(ca)), Options{}, fault.SSHHostKeyUnknown); !strings.Contains(err.Message, "its certificate:") {
			t.Error(err.Message)
		}
	}
}

func TestARevokedKeyIsRefused(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.append(t, line(s.addr(), s.hostKey)+"@revoked *"+strings.TrimPrefix(line("x", s.hostKey), "x"))
	h.host("mac", s)
	if err := refused(t, h.resolve(t, "mac"), Options{}, fault.SSHHostKeyChanged); !strings.Contains(err.Message, "is revoked") {
		t.Error(err.Message)
	}

	h = newHome(t)
	h.knows(t, s)
	list := write(t, h.path("revoked"), "# stolen\n"+string(ssh.MarshalAuthorizedKey(s.hostKey)))
	h.host("mac", s, "RevokedHostKeys "+list)
	target := h.resolve(t, "mac")
	if err := refused(t, target, Options{}, fault.SSHHostKeyChanged); !strings.Contains(err.Message, list+":2") {
		t.Error(err.Message)
	}
	write(t, list, "SSHKRL\n\x00")
	refused(t, target, Options{}, fault.SSHHostKeyUnknown)
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	refused(t, target, Options{}, fault.SSHHostKeyUnknown)
}

func TestAKeyIsSeenAndTrusted(t *testing.T) {
	for _, hash := range []string{"no", "yes"} {
		s, h := serve(t), newHome(t)
		h.append(t, "# the last line has no end")
		h.host("mac", s, "HashKnownHosts "+hash)
		target := h.resolve(t, "mac")
		seen, err := ScanHostKey(t.Context(), target, Options{})
		if err != nil || ssh.FingerprintSHA256(seen) != ssh.FingerprintSHA256(s.hostKey) {
			t.Fatal(seen, err)
		}
		for range 2 { // the second time it is known, and nothing is written
			if err := Trust(target, seen); err != nil {
				t.Fatal(err)
			}
		}
		text := read(t, h.knownHosts())
		if lines := strings.Count(text, "\n"); lines != 2 || !strings.HasPrefix(text, "# the last line has no end\n") || strings.Contains(text, "127.0.0.1") == (hash == "yes") {
			t.Errorf("HashKnownHosts %s: %q", hash, text)
		}
		works(t, target, Options{})
		run(t, "ssh-keygen", "-F", "["+strings.Replace(s.addr(), ":", "]:", 1), "-f", h.knownHosts()) // ssh finds it too
	}
}

func TestTrustMakesAFileThatOnlyItsOwnerReads(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, ".ssh", "known_hosts")
	target := Target{Name: "mac", Host: "mac", Port: 22, KnownHosts: []string{file}, UserKnownHosts: 1}
	if err := Trust(target, another(t)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, nowhere := range []Target{{Name: "mac", Host: "mac", Port: 22}, {Name: "mac", Host: "mac", Port: 22, KnownHosts: []string{"/dev/null"}, UserKnownHosts: 1}} {
		if err := Trust(nowhere, another(t)); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%v: %v", nowhere.KnownHosts, err)
		}
	}
}

func TestAnIPv6AddressIsAHost(t *testing.T) {
	s, h := serve(t, "ListenAddress ::1"), newHome(t)
	_, port, _ := strings.Cut(s.addr(), ":")
	h.config.WriteString("Host ::1\n User " + s.user + "\n IdentityFile " + s.dir + "/user\n")
	target := h.resolve(t, "[::1]:"+port)
	err := refused(t, target, Options{}, fault.SSHHostKeyUnknown)
	if !strings.HasSuffix(err.Hint, "rbee node trust '[::1]:"+port+"'") { // brackets are a pattern to a shell
		t.Error(err.Hint)
	}
	if err := Trust(target, s.hostKey); err != nil {
		t.Fatal(err)
	}
	if text := read(t, h.knownHosts()); !strings.HasPrefix(text, "[::1]:"+port+" ssh-ed25519 ") {
		t.Errorf("%q", text)
	}
	works(t, target, Options{})
	run(t, "ssh-keygen", "-F", "[::1]:"+port, "-f", h.knownHosts())
}
