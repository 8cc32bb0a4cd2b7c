package install

import (
	"os"
	"path/filepath"
	"testing"

	"rbee/deploy/remote"
)

// Each login shell, and each with env in front, says in its own way why a hive did not start.
func TestAFailedStartIsUnderstoodInEveryShell(t *testing.T) {
	path := ".cache/rbee/bundles/0123456789abcdef0123456789abcdef/bin/rbee-hive"
	foreign := append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00\x01"), make([]byte, 200)...) // for RISC-V
	for _, shell := range flavours {
		for name, c := range map[string]struct {
			make func(file string) error
			want Attempt
		}{
			"missing":   {func(string) error { return nil }, Missing},
			"foreign":   {func(f string) error { return os.WriteFile(f, foreign, 0o700) }, Foreign},
			"forbidden": {func(f string) error { return os.WriteFile(f, foreign, 0o600) }, Forbidden},
			"crash": {func(f string) error {
				return os.WriteFile(f, []byte("#!/bin/sh\necho no such file >&2; exit 1\n"), 0o700)
			}, Failed},
			"fine":   {func(f string) error { return os.WriteFile(f, []byte("#!/bin/sh\n"), 0o700) }, Failed},
			"killed": {func(f string) error { return os.WriteFile(f, []byte("#!/bin/sh\nkill -9 $$\n"), 0o700) }, Failed},
		} {
			for _, words := range [][]string{{path}, {"env", "RBEE_RUN_ID=1", path}} {
				t.Run(flavour(shell)+" "+name+" "+words[0], func(t *testing.T) {
					n := node(t, shell)
					if err := os.MkdirAll(filepath.Dir(filepath.Join(n.home, path)), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := c.make(filepath.Join(n.home, path)); err != nil {
						t.Fatal(err)
					}
					_, stderr, exit := run(t, n, words...)
					if got := Classify(exit, stderr); got != c.want {
						t.Errorf("%v, want %v; %v %q", got, c.want, exit, stderr)
					}
					if NotThere(exit, stderr) != (c.want == Missing) {
						t.Errorf("NotThere: %v", NotThere(exit, stderr))
					}
				})
			}
		}
	}
}

// What cannot be started here.
func TestAFailedStartInAContainerOrInAnotherShell(t *testing.T) {
	for _, c := range []struct {
		code   int
		stderr string
		want   Attempt
	}{
		{127, `OCI runtime exec failed: exec failed: unable to start container process: exec: ".cache/rbee/x/rbee-hive": stat .cache/rbee/x/rbee-hive: no such file or directory: unknown`, Missing},
		{126, `OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: ".cache/rbee-hive": stat: no such file or directory: unknown`, Missing},
		{126, `OCI runtime exec failed: exec failed: unable to start container process: exec: "/x/rbee-hive": permission denied: unknown`, Forbidden},
		{127, "zsh:1: no such file or directory: .cache/rbee/x/rbee-hive", Missing},
		{126, "zsh:1: exec format error: .cache/rbee/x/rbee-hive", Foreign},
		{127, "bash: Zeile 1: .cache/rbee/x/rbee-hive: Datei oder Verzeichnis nicht gefunden", Missing},
		{126, "bash: .cache/rbee/x/rbee-hive: Bad CPU type in executable", Foreign},
		{1, "open config: no such file or directory", Failed},
		{2, "rbee-hive: command not found", Failed},
	} {
		if got := Classify(remote.Exit{Known: true, Code: c.code}, c.stderr); got != c.want {
			t.Errorf("%d %s: %v, want %v", c.code, c.stderr, got, c.want)
		}
	}
	if got := Classify(remote.Exit{}, "rbee-hive: not found"); got != Failed {
		t.Errorf("nothing is known, yet %v", got)
	}
}
