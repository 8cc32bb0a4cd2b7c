package treetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// refusal is how long the answer to bad input may take; none of these loads a model for long.
const refusal = 2 * time.Second

func TestTreeRefusesBadInputAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	empty, foreign, secret := write("empty.gguf", "", 0o600), write("foreign.gguf", "PK\x03\x04 a zip, say", 0o600), write("secret.gguf", "GGUF", 0)
	fifo := at("fifo.gguf")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	long := at(strings.Repeat("x", 120))
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"unknown flag":             {[]string{"--promt", "x"}, 2, []string{"there is no flag --promt", "did you mean --prompt?"}},
		"empty prompt":             {[]string{"--prompt", ""}, 2, []string{"--prompt is empty"}},
		"unknown node":             {[]string{"--node", "mars"}, 1, []string{"NODE_UNKNOWN", `mars`, "localhost"}},
		"max tokens":               {[]string{"--max-tokens", "0"}, 2, []string{"--max-tokens is 0, allowed is 1 to "}},
		"temperature":              {[]string{"--temperature", "2.1"}, 2, []string{"--temperature is 2.1, allowed is 0 to 2"}},
		"negative temperature":     {[]string{"--temperature", "-1"}, 2, []string{"--temperature is -1, allowed is 0 to 2"}},
		"prompt over the context":  {[]string{"--ctx", "8"}, 1, []string{"CONTEXT_OVERFLOW", "the prompt has ", "the context holds 8"}},
		"tokens over the context":  {[]string{"--ctx", "64", "--max-tokens", "100"}, 1, []string{"CONTEXT_OVERFLOW", "the answer up to 100", "the context holds 64"}},
		"context over the trained": {[]string{"--ctx", "100000"}, 1, []string{"CONTEXT_OVERFLOW", "a context of 100000 tokens", "trained for 4096"}},
		"unknown model":            {[]string{"--model", "nobody"}, 1, []string{"MODEL_NOT_FOUND", "no model nobody in ", "there is: demo"}},
		"empty file":               {[]string{"--model", empty}, 1, []string{"MODEL_CORRUPT", empty}},
		"foreign file":             {[]string{"--model", foreign}, 1, []string{"MODEL_CORRUPT", foreign, `expected "GGUF", found a zip archive`}},
		"unreadable file":          {[]string{"--model", secret}, 1, []string{"MODEL_ACCESS_DENIED", secret, "chmod u+r"}},
		"a pipe":                   {[]string{"--model", fifo}, 1, []string{"MODEL_CORRUPT", "named pipe"}},
		"a device":                 {[]string{"--model", "/dev/zero"}, 1, []string{"MODEL_CORRUPT", "device"}},
		"deadline":                 {[]string{"--deadline", "1ms"}, 1, []string{"DEADLINE_EXCEEDED"}},
		"long socket":              {[]string{"--socket", long}, 2, []string{"allowed is up to 107", long}},
		"no HOME":                  {[]string{"HOME=", "XDG_STATE_HOME="}, 1, []string{"neither XDG_STATE_HOME nor HOME is set", "set HOME, or XDG_STATE_HOME"}},
	} {
		// Root reads everything; without these capabilities it does not.
		var by []string
		if os.Geteuid() == 0 {
			by = []string{"setpriv", "--bounding-set", "-dac_override,-dac_read_search"}
		}
		r := inferBy(t, by, real, c.args...)
		r.Want(c.code, c.says...)
		if took := time.Since(r.Began); took > refusal {
			t.Errorf("%s: took %v, want %v at most", name, took, refusal)
		}
		if r.Stdout.String() != "" {
			t.Errorf("%s: stdout %q", name, r.Stdout)
		}
		r.Clean(0)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// wrong runs a program to its end and checks how it refuses.
func wrong(t *testing.T, dir string, code int, says []string, program string, args ...string) {
	t.Helper()
	c := exec.Command(filepath.Join(real, program), args...)
	c.Env = environment(dir)
	began := time.Now()
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("%s %v: exit code %d, want %d\n%s", program, args, got, code, out)
	}
	for _, s := range says {
		if !strings.Contains(string(out), s) {
			t.Errorf("%s %v does not say %q:\n%s", program, args, s, out)
		}
	}
	if took := time.Since(began); took > refusal {
		t.Errorf("%s %v: took %v", program, args, took)
	}
}

func TestTreeRefusesAMistypedCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrong(t, dir, 2, []string{`there is no command "infr"`, "did you mean rbee infer?"}, "rbee", "infr")
	wrong(t, dir, 2, []string{`there is no command "deamon"`, "did you mean queen-rbee daemon?"}, "queen-rbee", "deamon")
	wrong(t, dir, 2, []string{"--sockt", "did you mean --socket?"}, "queen-rbee", "daemon", "--sockt", "x")
	wrong(t, dir, 2, []string{"--lease is 1ms, allowed is 500ms to 1h"}, "queen-rbee", "daemon", "--lease", "1ms")
	wrong(t, dir, 2, []string{"allowed is up to 107"}, "queen-rbee", "daemon", "--socket", filepath.Join(dir, strings.Repeat("x", 120)))
}

func TestTreeASocketThatIsSomebodyElsesIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	serve := func(name string, answer []byte) string {
		path := filepath.Join(dir, name)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					_, _ = c.Read(make([]byte, 1))
					if answer == nil {
						_, _ = c.Read(make([]byte, 1<<20)) // as silent as can be
						_, _ = c.Read(make([]byte, 1))
					}
					_, _ = c.Write(answer)
					c.Close()
				}()
			}
		}()
		return path
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, silent := serve("other", []byte("220 mail ready\r\n")), serve("silent", nil)
	ask := []string{"infer", "--model", "demo", "--prompt", "hi", "--socket"}
	wrong(t, dir, 1, []string{"SOCKET_IN_USE", other, "is not a queen of rbee"}, "rbee", append(ask, other)...)
	wrong(t, dir, 1, []string{"QUEEN_LOST", silent, "does not answer"}, "rbee", append(ask, silent)...)
	wrong(t, dir, 1, []string{"SOCKET_IN_USE", other, "another program listens"}, "queen-rbee", "daemon", "--socket", other)
	wrong(t, dir, 1, []string{"SOCKET_IN_USE", file, "is not a socket"}, "queen-rbee", "daemon", "--socket", file)
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file that is no socket: %q, %v", b, err)
	}
	if st, err := os.Lstat(other); err != nil || st.Mode()&os.ModeSocket == 0 {
		t.Errorf("the other program's socket is gone: %v", err)
	}
}
