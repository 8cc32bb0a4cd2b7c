package testbed

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// As root, this test runs itself inside a host, as its user.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	if privileged() {
		self := must(os.Executable())(t)
		c := New(t, Spec{Share: []string{self}}).Host("h1").Command("bee", self, "-test.run", "^TestWithoutRoot$", "-test.v")
		out, err := c.Output()
		if err != nil || !strings.Contains(out, "--- PASS: TestWithoutRoot/") || !strings.Contains(out, "left out, since it needs root: Cut(RST), FillDisk, Slow, h2: Jump as the only way") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	b := New(t, Spec{HomeFiles: map[string]string{"x": "1"}, Programs: map[string]string{"uname": "#!/bin/sh\necho Plan9\n"}}, Spec{Shell: "/bin/csh", Jump: "h1", HostCert: true, Without: []string{"tar"},
		HomeFiles: map[string]string{".cshrc": "echo noise\n"}, SSHD: []string{"SetEnv GREETING=hello"}})
	h := b.Host("h1")
	if b.Caps != (Caps{}) {
		t.Errorf("%+v", b.Caps)
	}
	t.Run("servers are reached through each other and have homes of their own", func(t *testing.T) {
		if got := ssh(t, b, "h1", "pwd; cat x; echo; uname"); got != h.Home("")+"\n1\nPlan9" {
			t.Errorf("%q", got)
		}
	})
	t.Run("a login shell, its files, variables and missing programs are the spec's", func(t *testing.T) {
		if got := ssh(t, b, "h2", "pwd; echo $shell $GREETING; which gzip; which tar >& /dev/null || echo no tar"); got != "noise\n"+b.Host("h2").Home("")+"\n/bin/csh hello\n"+filepath.Join(b.Host("h2").dir, "bin/gzip")+"\nno tar" {
			t.Errorf("%q", got)
		}
	})
	t.Run("processes, sockets and files are those of one server", func(t *testing.T) {
		session(t, b, "h1", "one")
		session(t, b, "h2", "two")
		var runs []string
		for _, p := range must(h.Processes())(t) {
			if p.Run != "" {
				runs = append(runs, p.Run)
			}
		}
		if !slices.Equal(runs, []string{"one"}) {
			t.Errorf("%q", runs)
		}
		if l := must(h.Listening())(t); len(l) != 1 {
			t.Errorf("%v", l)
		}
		if f := must(h.Files())(t); len(f) != 1 || f[0].Path != filepath.Join(h.Home(""), "x") {
			t.Errorf("%v", f)
		}
		must(h.Kill(Named("perl")))(t)
	})
	t.Run("another server starts after its death", func(t *testing.T) {
		must(h.Kill(SSHD))(t)
		if err := h.StartSSHD(); err != nil {
			t.Fatal(err)
		}
		ssh(t, b, "h1", "true")
		if got := must(h.Exec("sh", "-c", "echo $HOME"))(t); got != h.Home("")+"\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("what needs root says so", func(t *testing.T) {
		for _, err := range []error{h.Cut(RST), h.Slow(Line{Rate: 1}), h.FillDisk(0)} {
			if !errors.Is(err, ErrNeedsRoot) {
				t.Errorf("%v", err)
			}
		}
	})
}
