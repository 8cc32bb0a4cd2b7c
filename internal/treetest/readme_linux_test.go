package treetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every example of the README is run: each ```console block in one shell, in a HOME of its own where bin/ holds the
// programs. A command must succeed. What stands below it must be what it prints, less numbers, times and bars; a line
// "..." is any number of lines, and nothing below it is anything. A block that cannot run here has the line
// <!-- not run: WHY --> above it.
func TestTreeTheExamplesOfTheREADMEWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := consoles(t, string(text))
	if len(blocks) < 4 {
		t.Fatalf("%d examples found: the README has more", len(blocks))
	}
	for _, b := range blocks {
		b.run(t)
	}
}

// The first block a newcomer sees is for make, which a test cannot run within itself.
func TestTreeTheREADMEsMakeTargetsExist(t *testing.T) {
	t.Parallel()
	readme, err1 := os.ReadFile("../../README.md")
	makefile, err2 := os.ReadFile("../../Makefile")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	targets := regexp.MustCompile(`(?m)^    make ([a-z-]+)`).FindAllSubmatch(readme, -1)
	if len(targets) == 0 {
		t.Fatal("none found")
	}
	for _, m := range targets {
		if !bytes.Contains(makefile, []byte("\n"+string(m[1])+":")) {
			t.Errorf("make %s is no target", m[1])
		}
	}
}

// console is one block: commands, and what is said to follow each.
type console struct {
	line     int // in the README
	commands []string
	prints   [][]string
}

func consoles(t *testing.T, text string) (all []console) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```console" {
			continue
		}
		skip := i > 0 && regexp.MustCompile(`^<!-- not run: .+ -->$`).MatchString(lines[i-1])
		b := console{line: i + 2}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			if c, ok := strings.CutPrefix(lines[i], "$ "); ok {
				b.commands, b.prints = append(b.commands, c), append(b.prints, nil)
			} else if n := len(b.prints); n > 0 {
				b.prints[n-1] = append(b.prints[n-1], lines[i])
			} else {
				t.Fatalf("README.md:%d: output before any command", i+1)
			}
		}
		if !skip {
			all = append(all, b)
		}
	}
	return all
}

func (b console) run(t *testing.T) {
	t.Helper()
	home, err := os.MkdirTemp("", "r") // short: a socket's path must fit
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.Symlink(real, filepath.Join(home, "bin")); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for i, c := range b.commands {
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
	if out, err := shell.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("README.md:%d: %v\n%s", b.line, err, out)
	}
	for i, c := range b.commands {
		out, _ := os.ReadFile(fmt.Sprintf("%s/out.%d", home, i))
		code, _ := os.ReadFile(fmt.Sprintf("%s/code.%d", home, i))
		if strings.TrimSpace(string(code)) != "0" {
			t.Errorf("README.md:%d: %s: exit code %s\n%s", b.line, c, code, out)
		}
		got := strings.Split(strings.TrimSuffix(stable(strings.ReplaceAll(string(out), home, "~")), "\n"), "\n")
		want := strings.Split(stable(strings.Join(b.prints[i], "\n")), "\n")
		if len(b.prints[i]) > 0 && !agrees(got, want) {
			t.Errorf("README.md:%d: %s\nprints:\n%s\nthe README says (less what may differ):\n%s", b.line, c, out, strings.Join(want, "\n"))
		}
	}
}

var unstable = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`"host":"[^"]*"`), `"host":""`},
	{regexp.MustCompile(`[█▏▎▍▌▋▊▉◆]+`), " "},
	{regexp.MustCompile(`trace [0-9a-f]{32}`), "trace 0"},
	{regexp.MustCompile(`\d+(\.\d+)?`), "0"},
	{regexp.MustCompile(`\b0 (ms|s)\b`), "0 ms"},
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
