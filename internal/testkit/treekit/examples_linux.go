package treekit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Example is one ```console block of a text: commands, and what is said to follow each.
type Example struct {
	Line     int    // in the text
	Where    string // what the line <!-- not run: WHERE --> above it says; "" = it runs anywhere
	Commands []string
	Prints   [][]string
}

// Examples returns those of a text, in order.
func Examples(t *testing.T, text string) (all []Example) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```console" {
			continue
		}
		b := Example{Line: i + 2}
		if i > 0 {
			if m := mark.FindStringSubmatch(lines[i-1]); m != nil {
				b.Where = m[1]
			}
		}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			if c, ok := strings.CutPrefix(lines[i], "$ "); ok {
				b.Commands, b.Prints = append(b.Commands, c), append(b.Prints, nil)
			} else if n := len(b.Prints); n > 0 {
				b.Prints[n-1] = append(b.Prints[n-1], lines[i])
			} else {
				t.Fatalf("README.md:%d: output before any command", i+1)
			}
		}
		all = append(all, b)
	}
	return all
}

var mark = regexp.MustCompile(`^<!-- not run: (.+) -->$`)

// Run runs the commands in one shell, with home as HOME and working directory, and the programs in home/bin. Each must
// succeed. What stands below a command must be what it prints, less numbers, times and bars; a line "..." is any number
// of lines, and nothing below it is anything.
func (b Example) Run(t *testing.T, home, programs string) {
	t.Helper()
	if err := os.Symlink(programs, filepath.Join(home, "bin")); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for i, c := range b.Commands {
		fmt.Fprintf(&script, "{ %s\n} >out.%d 2>&1; echo $? >code.%d\n", c, i, i)
		if strings.HasSuffix(c, "&") { // a person takes longer to type on
			script.WriteString("for i in $(seq 200); do [ -S .local/state/rbee/queen.sock ] && break; sleep 0.05; done\n")
		}
	}
	script.WriteString("wait\n")
	shell := exec.Command("bash", "-c", script.String())
	shell.Dir = home
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(name, "XDG_") && (name == "RBEE_ENGINE_DIR" || !strings.HasPrefix(name, "RBEE_")) && name != "HOME" {
			shell.Env = append(shell.Env, kv)
		}
	}
	shell.Env = append(shell.Env, "HOME="+home)
	if !strings.Contains(strings.Join(b.Commands, "\n"), ":8500") { // the port is one for all, and needed by few
		shell.Env = append(shell.Env, "RBEE_LISTEN=none")
	}
	if out, err := shell.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("README.md:%d: %v\n%s", b.Line, err, out)
	}
	for i, c := range b.Commands {
		out, _ := os.ReadFile(fmt.Sprintf("%s/out.%d", home, i))
		code, _ := os.ReadFile(fmt.Sprintf("%s/code.%d", home, i))
		if strings.TrimSpace(string(code)) != "0" {
			t.Errorf("README.md:%d: %s: exit code %s\n%s", b.Line, c, code, out)
		}
		got := strings.Split(strings.TrimSuffix(stable(strings.ReplaceAll(string(out), home, "~")), "\n"), "\n")
		want := strings.Split(stable(strings.Join(b.Prints[i], "\n")), "\n")
		if len(b.Prints[i]) > 0 && !agrees(got, want) {
			t.Errorf("README.md:%d: %s\nprints:\n%s\nthe README says (less what may differ):\n%s", b.Line, c, out, strings.Join(want, "\n"))
		}
	}
}

var unstable = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`"host":"[^"]*"`), `"host":""`},
	{regexp.MustCompile(`SHA256:[A-Za-z0-9+/]{43}`), "SHA256:..."},
	{regexp.MustCompile(`[█▏▎▍▌▋▊▉◆]+`), " "},
	{regexp.MustCompile(`trace [0-9a-f]{32}`), "trace 0"},
	{regexp.MustCompile(`\d+(\.\d+)?`), "0"},
	{regexp.MustCompile(`\b0 (ms|s)\b`), "0 ms"},
	{regexp.MustCompile(`\b0(µs|ms|s)\b`), "0ms"},
	{regexp.MustCompile(`[ \t]+`), " "},
	{regexp.MustCompile(` \n`), "\n"},
}

// stable is the part of an output that is the same each time.
func stable(s string) string {
	s += "\n"
	for _, u := range unstable {
		s = u.what.ReplaceAllString(s, u.as)
	}
	return strings.TrimSuffix(s, "\n")
}

// agrees says whether lines are what was said; "..." is any number of them.
func agrees(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		return agrees(got, want[1:]) || len(got) > 0 && agrees(got[1:], want)
	}
	return len(got) > 0 && got[0] == want[0] && agrees(got[1:], want[1:])
}
