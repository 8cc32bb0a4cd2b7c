package sshconn

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rbee/internal/fault"
)

// resolve answers for a name with a configuration; ~ is /home/ana.
func resolve(t testing.TB, config, node string, o ResolveOptions) (Target, bool, error) {
	t.Helper()
	o.ConfigFile = write(t, filepath.Join(t.TempDir(), "config"), config)
	o.Home, o.LocalUser = "/home/ana", "ana"
	return ResolveSSH(node, o)
}

func TestANameThatIsNowhereHasSSHsDefaults(t *testing.T) {
	got, known, err := resolve(t, "", "mac", ResolveOptions{})
	if err != nil || known {
		t.Fatal(known, err)
	}
	want := Target{
		Name: "mac", Host: "mac", Port: 22, User: "ana",
		KnownHosts:     []string{"/home/ana/.ssh/known_hosts", "/home/ana/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"},
		UserKnownHosts: 2, ConnectTimeout: 10 * time.Second, Network: "tcp",
	}
	for _, f := range []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"} {
		want.Identities = append(want.Identities, Identity{"/home/ana/.ssh/" + f, false})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
}

func TestEverythingOfAHostIsTaken(t *testing.T) {
	t.Setenv("KEYS", "/keys")
	host, _ := os.Hostname()
	short, _, _ := strings.Cut(host, ".")
	got, known, err := resolve(t, `
Host mac
  HostName %h.example.com
  Port 2222
  User bob
  IdentityFile ~/.ssh/%r_%h_%p
  IdentityFile ${KEYS}/%n-%u-%%
  IdentityFile %d/%L
  CertificateFile ~/cert.pub
  IdentitiesOnly yes
  IdentityAgent ~/agent
  UserKnownHostsFile ~/kh_%k /kh2
  GlobalKnownHostsFile none
  RevokedHostKeys /revoked
  HashKnownHosts yes
  HostKeyAlias alias
  HostKeyAlgorithms +ssh-rsa
  KexAlgorithms a
  Ciphers b
  MACs c
  ConnectTimeout 3
  AddressFamily inet6
  BindAddress ::1
  StrictHostKeyChecking no
`, "mac", ResolveOptions{})
	if err != nil || !known {
		t.Fatal(known, err)
	}
	want := Target{
		Name: "mac", Known: true, inFiles: true, Host: "mac.example.com", Port: 2222, User: "bob",
		Identities:   []Identity{{"/home/ana/.ssh/bob_mac.example.com_2222", true}, {"/keys/mac-ana-%", true}, {"/home/ana/" + short, true}},
		Certificates: []string{"/home/ana/cert.pub"}, IdentitiesOnly: true, IdentityAgent: "/home/ana/agent",
		KnownHosts: []string{"/home/ana/kh_alias", "/kh2"}, UserKnownHosts: 2, RevokedHostKeys: "/revoked", HashKnownHosts: true,
		HostKeyAlias: "alias", HostKeyAlgorithms: "+ssh-rsa", KexAlgorithms: "a", Ciphers: "b", MACs: "c",
		ConnectTimeout: 3 * time.Second, Network: "tcp6", BindAddress: "::1",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
}

func TestWhatTheCallerSaysWinsOverTheFiles(t *testing.T) {
	const config = "Host box\n HostName 10.0.0.1\n Port 1\n User u\n IdentityFile /file\n ProxyJump gate\nHost direct\n ProxyCommand nc\n"
	got, known, err := resolve(t, config, "mac", ResolveOptions{Host: "box", Port: 2, User: "v", Identity: []string{"~/mine"}, Jump: "none"})
	if err != nil || !known {
		t.Fatal(known, err)
	}
	if got.Name != "mac" || got.String() != "v@10.0.0.1:2" || got.Jumps != nil ||
		!reflect.DeepEqual(got.Identities, []Identity{{"/home/ana/mine", true}, {"/file", true}}) {
		t.Errorf("%+v", got)
	}
	if got, _, err = resolve(t, config, "direct", ResolveOptions{Jump: "none"}); err != nil || got.ProxyCommand != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _, err = resolve(t, config, "w@box:3", ResolveOptions{}); err != nil || got.String() != "w@10.0.0.1:3" || len(got.Jumps) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func way(t Target) string {
	var b strings.Builder
	for _, j := range append(t.Jumps, t) {
		b.WriteString(j.String() + " ")
		if len(j.Jumps) > 0 && j.Name != t.Name {
			b.WriteString("NESTED ")
		}
	}
	return strings.TrimSpace(b.String())
}

func TestEachJumpHostIsItselfResolved(t *testing.T) {
	const config = `
Host a
  HostName 10.0.0.1
  User root
Host b
  HostName 10.0.0.2
  Port 2222
  ProxyJump a
Host c
  HostName 10.0.0.3
  ProxyJump b
Host list
  ProxyJump a,x@b:99
Host own
  ProxyJump c
`
	for node, want := range map[string]string{
		"a":    "root@10.0.0.1:22",
		"b":    "root@10.0.0.1:22 ana@10.0.0.2:2222",
		"c":    "root@10.0.0.1:22 ana@10.0.0.2:2222 ana@10.0.0.3:22",
		"own":  "root@10.0.0.1:22 ana@10.0.0.2:2222 ana@10.0.0.3:22 ana@own:22",
		"list": "root@10.0.0.1:22 x@10.0.0.2:99 ana@list:22",
	} {
		got, _, err := resolve(t, config, node, ResolveOptions{})
		if err != nil || way(got) != want {
			t.Errorf("%s: %s, %v", node, way(got), err)
		}
	}
}

func TestAnUnusableConfigurationIsRefused(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"Host mac\n ProxyJump mac\n", "circle: ana@mac:22 needs ana@mac:22"},
		{"Host mac\n ProxyJump gate\nHost gate\n ProxyJump mac\n", "circle: ana@mac:22 needs ana@gate:22 needs ana@mac:22"},
		{"Host *\n ProxyJump gate\n", "circle"},
		{"Host mac\n ProxyJump h1,h2,h3,h4,h5,h6,h7,h8,h9,h10\n", "more than 8 jump hosts"},
		{"Host mac\n Port 99999\n", "not a port"},
		{"Host mac\n HostName $(x)\n", `"$(x)" is not a host`},
		{"Host mac\n IdentityFile %Z\n", "the token %Z is not known"},
		{"Host mac\n IdentityFile ${NOT_SET_ANYWHERE}/x\n", "NOT_SET_ANYWHERE is not set"},
		{"Host mac\n User $(x)\n ProxyCommand nc %r\n", "%r would put"},
		{"Host mac\n ProxyCommand nc %d\n", "the token %d is not known"},
		{"Host mac\n ProxyJump $(x)\n", "is not a node's name"},
	} {
		_, _, err := resolve(t, c.config, "mac", ResolveOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.From(err).Hint == "" || fault.CodeOf(err) == fault.Internal {
			t.Errorf("%q: %v (%v), want %q", c.config, err, fault.CodeOf(err), c.want)
		}
	}
	if _, _, err := ResolveSSH("mac", ResolveOptions{ConfigFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a configuration that was named and is missing is no error")
	}
}

// The names in a ProxyCommand or a Match exec come from anywhere; the rest is the user's own.
func TestNoNameReachesAShell(t *testing.T) {
	touched := filepath.Join(t.TempDir(), "x")
	config := "Match exec \"echo %n %h %r >/dev/null\"\n Port 5\nHost *\n ProxyCommand nc %h %p %r %n\n"
	for _, node := range append(hostileNames, "$(touch${IFS}"+touched+")", "a`touch "+touched+"`@mac", "mac;touch "+touched) {
		if got, _, err := resolve(t, config, node, ResolveOptions{}); err == nil {
			t.Errorf("%q gives %+v", node, got)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("a name was run by a shell")
	}
	got, _, err := resolve(t, config, "bob@mac", ResolveOptions{})
	if err != nil || got.ProxyCommand != "nc mac 5 bob mac" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("Host mac\n HostName %h\n ProxyCommand nc %h %p %r\n", "ana@mac:22")
	f.Add("Host *\n ProxyJump a,b\nHost a\n ProxyJump none\nHost b\n ProxyJump none\n", "x")
	f.Add("Host *\n IdentityFile ~/%C%i%l%j\n UserKnownHostsFile ${HOME}/x\n", "$(touch x)")
	f.Fuzz(func(t *testing.T, config, node string) {
		if low := strings.ToLower(config); strings.Contains(low, "include") || strings.Contains(low, "exec") {
			return // would read files and run commands, as it says
		}
		got, _, err := resolve(t, config, node, ResolveOptions{})
		if err != nil {
			if f := fault.From(err); f.Code == fault.Internal || f.Message == "" {
				t.Errorf("%v without a code", err)
			}
			return
		}
		for _, hop := range append(got.Jumps, got) {
			if !safeHost(hop.Host) || hop.Port < 1 || hop.Port > 65535 || hop.User == "" || strings.ContainsAny(hop.User, "\n\x00") ||
				hop.ConnectTimeout <= 0 || hop.ConnectTimeout > MaxConnectTimeout {
				t.Errorf("%q of %q gives %+v", node, config, hop)
			}
		}
	})
}
