package testbed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestListeningShowsTheHostAndNotItsNeighbours(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{})
	echo(t, b.Host("h2"))
	show := func(h string) (all []string) {
		for _, l := range must(b.Host(h).Listening())(t) {
			all = append(all, l.Network+" "+strings.TrimPrefix(l.Address, b.Host(h).Addr))
		}
		return all
	}
	if got := show("h1"); !slices.Equal(got, []string{"tcp :22"}) {
		t.Errorf("h1: %q", got)
	}
	if got := show("h2"); !slices.Equal(got, []string{"tcp :22", "tcp 0.0.0.0:7007"}) {
		t.Errorf("h2: %q", got)
	}
}

func TestFilesShowTheHostAndNotItsNeighbours(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{}, Spec{})
	ssh(t, b, "h1", "mkdir -p .cache/rbee; umask 077; printf 12345 >.cache/rbee/x; touch /tmp/y /var/tmp/z /dev/shm/s")
	ssh(t, b, "h2", "touch /tmp/neighbour")
	var got []string
	for _, f := range must(b.Host("h1").Files())(t) {
		got = append(got, fmt.Sprintf("%s %d %v %d", f.Path, f.Size, f.Mode, f.UID))
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{"/home/bee/.cache/rbee/x 5 -rw------- 2001", "/tmp/y 0 -rw------- 2001", "/var/tmp/z 0 ", "/dev/shm/s 0 ", "/run/sshd "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "neighbour") {
		t.Error(all)
	}
	if files := must(b.Host("h1").Files("/home/bee/.cache"))(t); len(files) != 2 {
		t.Errorf("%v", files)
	}
}

func TestAHostCanBeShortOfWhatAProgramNeeds(t *testing.T) {
	t.Parallel()
	b := hosts(t,
		Spec{Name: "full", HomeSize: 1 << 20}, Spec{Name: "fixed", HomeReadOnly: true, TmpReadOnly: true, HomeFiles: map[string]string{"x": "1"}},
		Spec{Name: "noexec", HomeNoexec: true, TmpNoexec: true}, Spec{Name: "bare", Without: []string{"sh", "dash", "tar"}},
		Spec{Name: "other", Programs: map[string]string{"uname": "#!/bin/bash\necho Plan9 mips\n"}}, Spec{Name: "rude", Banner: "Go away!\n",
			HomeFiles: map[string]string{".bashrc": "echo noise"}, SSHD: []string{"ForceCommand echo forced"}})
	if err := b.Host("full").FillDisk(8192); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, command, want string }{
		{"full", "head -c 100000 /dev/zero 2>/dev/null >x; stat -c %s x", "8192"},
		{"fixed", "cat x; touch y 2>/dev/null || touch /tmp/y 2>/dev/null || echo no", "1no"},
		{"noexec", "cp /bin/true . && cp /bin/true /tmp; ./true 2>/dev/null; echo $?; /tmp/true 2>/dev/null; echo $?", "126\n126"},
		{"bare", "ls /bin/sh /usr/bin/dash /bin/tar 2>/dev/null; command -v ls", "/usr/bin/ls"},
		{"other", "uname -sm", "Plan9 mips"},
		{"rude", "true", "Go away!\nnoise\nforced"},
	} {
		if got := ssh(t, b, c.host, c.command); strings.ReplaceAll(got, "\r", "") != c.want {
			t.Errorf("%s: %q, want %q", c.host, got, c.want)
		}
	}
}

func TestWhatIsSharedIsSeenWhereItIsAndCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := hosts(t, Spec{Share: []string{dir}})
	if got, err := b.Host("h1").Exec("stat", "-c", "%F", dir); err != nil || got != "directory\n" {
		t.Errorf("%v %q", err, got)
	}
	if _, err := b.Host("h1").Exec("touch", dir+"/x"); err == nil || !strings.Contains(err.Error(), "Read-only") {
		t.Errorf("it can be written: %v", err)
	}
}
