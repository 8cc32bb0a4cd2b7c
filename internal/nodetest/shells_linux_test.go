package nodetest

import (
	"strings"
	"testing"

	"rbee/internal/testbed"
)

// What a node may be like and answer all the same.
func TestTreeAStrangeHostAnswers(t *testing.T) {
	t.Parallel()
	noise := map[string]string{}
	for _, f := range []string{".bashrc", ".bash_profile", ".profile", ".cshrc", ".zshenv", ".config/fish/config.fish"} {
		noise[f] = "echo welcome to this host, have a nice day\n"
	}
	specs := []testbed.Spec{
		{Name: "noisy-bash", Shell: "/bin/bash", HomeFiles: noise, Banner: "Authorised bees only.\n"},
		{Name: "noisy-csh", Shell: "/bin/csh", HomeFiles: noise},
		{Name: "noisy-fish", Shell: "/usr/bin/fish", HomeFiles: noise},
		{Name: "read-only-home", HomeReadOnly: true},
		{Name: "noexec-home", HomeNoexec: true},
		{Name: "small-home", HomeSize: 1 << 20},
	}
	b := hosts(t, specs...)
	for _, h := range b.Hosts {
		t.Run(h.Name, func(t *testing.T) {
			asked(t, h)
			t.Parallel()
			w := newWorld(t, b, programs.Fake)
			for visit := range 2 {
				r := w.infer(h.Name)
				r.Want(0, "clean: 3 processes")
				if !strings.HasPrefix(r.Stdout.String(), " tok0 tok1") {
					t.Errorf("no answer: %q", r.Stdout)
				}
				if sent := strings.Contains(r.Stderr.String(), "sending"); sent != (visit == 0) {
					t.Errorf("visit %d: sent %v\n%s", visit+1, sent, r.Stderr)
				}
				r.Clean(0)
				nothingRuns(t, h, 0)
			}
			files, err := h.Files()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files { // in the home, or where it had to go instead
				if f.UID == h.UID() && strings.Contains(f.Path, "rbee") && f.Mode.Perm()&0o077 != 0 && f.Mode.Type() == 0 {
					t.Errorf("others may use %v", f)
				}
			}
		})
	}
}

// What a node cannot do without is named, with what to do about it.
func TestTreeAHostThatCannotAnswerIsRefusedWithItsCause(t *testing.T) {
	t.Parallel()
	uname := func(system, machine string) map[string]string {
		return map[string]string{"uname": "#!/bin/bash\ncase $1 in -m) echo " + machine + ";; *) echo " + system + ";; esac\n"}
	}
	cases := map[string]struct {
		spec testbed.Spec
		says []string
	}{
		"foreign-cpu": {testbed.Spec{Programs: uname("Linux", "riscv64")}, []string{"HIVE_START_FAILED", "linux/riscv64", "use another node"}},
		"plan9":       {testbed.Spec{Programs: uname("Plan9", "mips")}, []string{"HIVE_START_FAILED", "Plan9/mips"}},
		"no-sh":       {testbed.Spec{Shell: "/bin/bash", Without: []string{"sh", "dash"}}, []string{"HIVE_START_FAILED", "sh"}},
		"no-tar":      {testbed.Spec{Without: []string{"tar"}}, []string{"HIVE_START_FAILED", "no tar"}},
		"no-room":     {testbed.Spec{HomeSize: 1 << 20, TmpNoexec: true}, []string{"HIVE_START_FAILED", "MB", "free", "cache_dir"}},
		"nowhere":     {testbed.Spec{HomeReadOnly: true, TmpReadOnly: true}, []string{"HIVE_START_FAILED", "cannot be", "cache_dir"}},
		"all-noexec":  {testbed.Spec{HomeNoexec: true, TmpNoexec: true}, []string{"HIVE_START_FAILED", "noexec", "cache_dir"}},
		"no-shell":    {testbed.Spec{Shell: "/usr/sbin/nologin"}, []string{"HIVE_START_FAILED", "not available"}},
	}
	var specs []testbed.Spec
	for name, c := range cases {
		c.spec.Name = name
		specs = append(specs, c.spec)
	}
	b := hosts(t, specs...)
	for _, h := range b.Hosts {
		t.Run(h.Name, func(t *testing.T) {
			asked(t, h)
			t.Parallel()
			before, err := h.Files()
			if err != nil {
				t.Fatal(err)
			}
			r := newWorld(t, b, programs.Fake).infer(h.Name)
			r.Want(1, append(cases[h.Name].says, "node: "+h.Name)...)
			r.Clean(0)
			nothingRuns(t, h, 0)
			after, err := h.Files()
			if err != nil {
				t.Fatal(err)
			}
			if len(after) > len(before)+2 { // the folders of the cache may be new
				t.Errorf("left: %v", after)
			}
		})
	}
}
