package install

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rbee/internal/fault"
)

// rc is where a login shell reads what it prints even without a terminal.
var rc = map[string]string{"/bin/bash": ".bashrc", "/bin/csh": ".cshrc", "/usr/bin/fish": ".config/fish/config.fish"}

// noisy makes the node's login shell run a line first. bash reads its .bashrc if it was started by sshd.
func (c *local) noisy(t *testing.T, line string) {
	t.Helper()
	c.set("SSH_CLIENT", "192.0.2.1 1 22")
	c.set("SSH2_CLIENT", "192.0.2.1 1 22")
	c.set("SHLVL", "0")
	file := filepath.Join(c.home, rc[c.shell])
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoginScriptsThatPrintAreNoHindrance(t *testing.T) {
	b := small(t, "", 1000)
	for shell := range rc {
		t.Run(flavour(shell), func(t *testing.T) {
			c := node(t, shell)
			// 60 KiB, lines that look like ours, and no newline at the end.
			c.noisy(t, `echo 'rbee:0123456789abcdef0123456789abcdef dir ok 5 /etc'; echo 'rbee: end'; head -c 61440 /dev/zero | tr '\0' x; printf 'welcome to this'; echo noise >/dev/stderr`)
			if out, _, _ := run(t, c, "true"); !strings.HasSuffix(out, "welcome to this") {
				t.Fatalf("the login script did not run: %q", out)
			}
			facts, err := Probe(t.Context(), c, "")
			if err != nil {
				t.Fatal(err)
			}
			if facts.Places[0].Dir != home || facts.Places[0].Bad != "" {
				t.Errorf("%+v", facts)
			}
			path, err := Install(t.Context(), c, facts, b, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out, _, exit := run(t, c, path); !exit.OK() || !strings.HasSuffix(out, "this is the hive\n") {
				t.Errorf("%q, %v", out[max(0, len(out)-100):], exit)
			}
		})
	}
}

func TestALoginScriptThatPrintsWithoutEndIsGivenUp(t *testing.T) {
	c := node(t, "/bin/bash")
	c.noisy(t, "while :; do echo noise; echo noise >/dev/stderr; done")
	_, err := Probe(t.Context(), c, "")
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "none of ours") {
		t.Errorf("%v", err)
	}
}

func TestALoginScriptThatHangsIsLeftAtTheDeadline(t *testing.T) {
	c := node(t, "/bin/bash")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c.noisy(t, "exec sleep 600")
	_, err := Probe(ctx, c, "")
	if err != context.DeadlineExceeded {
		t.Errorf("%v", err)
	}
	c.last().cmd.Process.Kill()
}

func TestANodeThatShowsNoSignOfLifeIsGivenUp(t *testing.T) {
	defer func(d time.Duration) { stall = d }(stall)
	stall = 300 * time.Millisecond
	c := node(t, "/bin/bash")
	c.noisy(t, "exec sleep 600")
	_, err := Probe(t.Context(), c, "")
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("%v", err)
	}
	c.last().cmd.Process.Kill()
}

// only makes a PATH that has the tools our scripts use, but for some.
func (c *local) only(t *testing.T, without ...string) {
	t.Helper()
	dir := filepath.Join(c.home, "few")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"sh", "id", "ls", "mkdir", "rmdir", "chmod", "df", "tail", "tr", "grep", "getconf", "uname", "rm", "mv", "find", "cat",
		"tee", "gzip", "tar", "sha256sum", "shasum", "openssl"} {
		if slices.Contains(without, tool) {
			continue
		}
		real, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, filepath.Join(dir, tool)); err != nil {
			t.Fatal(err)
		}
	}
	c.set("PATH", dir)
}

func TestAnEnvironmentThatChangesTheToolsIsNoHindrance(t *testing.T) {
	b := small(t, "", 1000)
	c := node(t, "/bin/bash", "GZIP=-v", "TAR_OPTIONS=--verbose --exclude=lib", "BASH_ENV=/dev/null", "POSIXLY_CORRECT=1", "LS_COLORS=x", "BLOCKSIZE=1", "IFS=/.")
	// cd would go to a folder of that name there, and print it.
	elsewhere := t.TempDir()
	c.set("CDPATH", elsewhere)
	if err := os.MkdirAll(filepath.Join(elsewhere, home), 0o700); err != nil {
		t.Fatal(err)
	}
	c.tool(t, "mkdir", fmt.Sprintf("/bin/mkdir \"$@\" && cd %s && exec /bin/mkdir -p \"$@\"\n", elsewhere))
	facts, err := Probe(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	path, err := Install(t.Context(), c, facts, b, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, exit := run(t, c, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
		t.Errorf("%q, %v", out, exit)
	}
	if files := left(t, c); len(files) != 5 {
		t.Errorf("installed: %v", files)
	}
}

func TestAMissingToolIsNamedBeforeAnythingIsSent(t *testing.T) {
	for name, without := range map[string][]string{
		"gzip":                           {"gzip"},
		"tar":                            {"tar"},
		"sha256sum or shasum or openssl": {"sha256sum", "shasum", "openssl"},
		"gzip, no tar":                   {"gzip", "tar"},
	} {
		c := node(t, "")
		c.only(t, without...)
		facts, err := Probe(t.Context(), c, "")
		if err != nil {
			t.Fatal(err)
		}
		err = facts.Check()
		if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "no "+name) {
			t.Errorf("without %v: %v", without, err)
		}
	}
}

func TestAnyOfTheHashingToolsWillDoAndTeeIsNotNeeded(t *testing.T) {
	b := small(t, "", 100<<10)
	for name, without := range map[string][]string{
		"all":         nil,
		"shasum":      {"sha256sum", "openssl"},
		"openssl":     {"sha256sum", "shasum"},
		"without tee": {"tee"},
		"bare":        {"tee", "find", "df", "getconf", "grep"},
	} {
		t.Run(name, func(t *testing.T) {
			c := node(t, "")
			c.only(t, without...)
			facts, err := Probe(t.Context(), c, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := facts.Check(); err != nil && name != "bare" { // without grep it cannot see the libraries
				t.Error(err)
			}
			path, err := Install(t.Context(), c, facts, b, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out, _, exit := run(t, c, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
				t.Errorf("%q, %v", out, exit)
			}
			wrong := b
			wrong.ID = strings.Repeat("0", 64)
			if _, err := Install(t.Context(), c, facts, wrong, 0, nil); err == nil {
				t.Error("another SHA-256 was accepted")
			}
		})
	}
}

func TestANodeWithoutShIsRefusedWithThatReason(t *testing.T) {
	for _, shell := range flavours {
		t.Run(flavour(shell), func(t *testing.T) {
			c := node(t, shell)
			c.set("PATH", filepath.Join(c.home, "nothing"))
			_, err := Probe(t.Context(), c, "")
			if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "cannot run sh") || !strings.Contains(err.Error(), "user@node") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAnAccountThatIsNoneSaysWhatTheNodeSaid(t *testing.T) {
	c := node(t, "")
	c.tool(t, "sh", "echo This account is currently not available.\nexit 1\n")
	_, err := Probe(t.Context(), c, "")
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "not available") {
		t.Errorf("%v", err)
	}
}

func TestWhatTheEngineNeedsIsNamed(t *testing.T) {
	all := []string{"gzip", "tar", "shasum"}
	for name, c := range map[string]struct {
		facts Facts
		code  fault.Code
		says  string
	}{
		"fine":      {Facts{Libc: "glibc 2.34", Tools: all}, "", ""},
		"newer":     {Facts{Libc: "glibc 3.0", Tools: all}, "", ""},
		"unknown":   {Facts{Tools: all}, "", ""},
		"old":       {Facts{Libc: "glibc 2.31", Tools: all}, fault.EngineUnavailable, "glibc 2.31"},
		"musl":      {Facts{Libc: "musl", Tools: all}, fault.EngineUnavailable, "musl"},
		"libraries": {Facts{Libc: "glibc 2.36", Lacks: []string{"libffi.so.8", "libstdc++.so.6"}, Tools: all}, fault.EngineUnavailable, "libffi.so.8, libstdc++.so.6"},
	} {
		err := c.facts.Check()
		if fault.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThisMachineHasWhatTheEngineNeeds(t *testing.T) {
	facts, err := Probe(t.Context(), node(t, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.Check(); err != nil {
		t.Errorf("%v; %+v", err, facts)
	}
	if p := facts.Platform(""); p.OS == "" || fmt.Sprint(p) != fmt.Sprintf("%s/%s", facts.OS, facts.Arch) {
		t.Errorf("%+v", p)
	}
}

func TestAHomeFolderOfAnyNameWillDo(t *testing.T) {
	for _, name := range []string{"J. Döe's $(touch x)", "-rf", "a;b", "new\nline"} {
		c := node(t, "/bin/csh")
		c.home = filepath.Join(c.home, name)
		if err := os.Mkdir(c.home, 0o700); err != nil {
			t.Fatal(err)
		}
		c.set("HOME", c.home)
		c.set("XDG_CACHE_HOME", c.home+"/cache")
		facts, err := Probe(t.Context(), c, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range facts.Places {
			if p.Bad == "" && !usable(p.Dir) {
				t.Errorf("%+v", p)
			}
		}
		path, err := Install(t.Context(), c, facts, small(t, "", 1000), 0, nil)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if out, _, exit := run(t, c, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
			t.Errorf("%q: %s: %q, %v", name, path, out, exit)
		}
		if beside, _ := os.ReadDir(filepath.Dir(c.home)); len(beside) != 1 {
			t.Errorf("%q: beside the home folder is %v", name, beside)
		}
		if _, err := os.Stat(filepath.Join(c.home, "x")); err == nil {
			t.Errorf("%q was executed", name)
		}
	}
}

func TestAConfiguredFolderThatAShellCouldReadIsRefused(t *testing.T) {
	for _, dir := range []string{"relative", home, "/a b", "/$(touch x)", "/a;b", "~/x", "/a\nb", "/" + strings.Repeat("x", 2000)} {
		if _, err := Probe(t.Context(), node(t, ""), dir); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%.40q: %v", dir, err)
		}
	}
}
