package testbed

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestAHostIsReachedThroughTwoOthers(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{Jump: "h1"}, Spec{Jump: "h2", Shell: "/bin/csh", HostCert: true})
	if got := ssh(t, b, "h3", "hostname; whoami; pwd; echo $shell"); got != "h3\nbee\n/home/bee\n/bin/csh" {
		t.Errorf("the third host says %q", got)
	}
	c, err := net.DialTimeout("tcp", net.JoinHostPort(b.Host("h3").Addr, "22"), 300*time.Millisecond)
	if err == nil {
		c.Close()
		t.Error("the third host can be reached without jumping")
	}
}

func TestAHostHasItsOwnNameProcessesUsersAndFiles(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{Users: []User{{Name: "ant"}, {Name: "wasp", Shell: "/bin/sh"}}, HomeFiles: map[string]string{".config/x": "1"}})
	h := b.Host("h1")
	script, wants := "", []string(nil)
	for command, want := range map[string]string{
		"hostname":            "h1",
		"id -un":              "ant",
		"ls /home":            "ant\nwasp",
		"cat .config/x":       "1",
		"ls -A /tmp /var/tmp": "/tmp:\n\n/var/tmp:",
		"tr '\\0' ' ' </proc/1/cmdline | cut -c1-17": initName,
		"touch /usr/x 2>/dev/null || echo no":        "no",
		"getent passwd wasp | cut -d: -f3,6,7":       "2002:/home/wasp:/bin/sh",
		"env | cut -d= -f1 | grep -c '^RBEE'":        "0",
	} {
		script += command + "; echo //\n"
		wants = append(wants, want+"\n//")
	}
	// One login for all: they are what takes the time.
	if got, want := strings.ReplaceAll(ssh(t, b, "h1", script), "1//", "1\n//"), strings.Join(wants, "\n"); got != want {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", script, got, want)
	}
	if got := must(h.Exec("id", "-u"))(t); got != "0\n" {
		t.Errorf("Exec runs as uid %q", got)
	}
	got, err := h.Command("wasp", "sh", "-c", "id -u; pwd; hostname; touch x").Output()
	if err != nil || got != "2002\n/home/wasp\nh1\n" {
		t.Errorf("%v: %q", err, got)
	}
	if _, err := read(h.Path("/home/wasp/x")); err != nil {
		t.Error(err)
	}
}

func TestALoginShellIsTheOneAskedFor(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{Shell: "/bin/csh"}, Spec{Shell: "/usr/bin/fish"}, Spec{Shell: "/bin/sh"})
	for host, command := range map[string]string{
		"h1": "setenv A 1; echo $A", "h2": "set A 1; echo $A", "h3": "A=1; echo $A",
	} {
		if got := ssh(t, b, host, command); got != "1" {
			t.Errorf("%s: %q", host, got)
		}
	}
}

func TestAnotherServerStartsAfterItsDeath(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	if dead := must(h.Kill(SSHD))(t); len(dead) != 1 {
		t.Fatalf("%d servers: %v", len(dead), dead)
	}
	if c, err := net.Dial("tcp", net.JoinHostPort(h.Addr, "22")); err == nil {
		c.Close()
		t.Error("a dead server takes connections")
	}
	if err := h.StartSSHD(); err != nil {
		t.Fatal(err)
	}
	if got := ssh(t, b, "h1", "hostname"); got != "h1" {
		t.Errorf("%q", got)
	}
}

func TestSpecsThatMakeNoBedAreRefused(t *testing.T) {
	for want, specs := range map[string][]Spec{
		"17 hosts":             make([]Spec, 17),
		"two hosts are called": {{Name: "a"}, {Name: "a"}},
		"must come before":     {{Jump: "h2"}, {}},
		"cannot be a user":     {{Users: []User{{Name: "../x"}}}},
	} {
		if _, err := complete(specs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
