package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// suite runs go test -json on a package made of source and returns what totals makes of it.
func suite(t *testing.T, source string, root bool) (passed, failed int, out string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n", "x_test.go": "package x\n\nimport (\"syscall\"; \"testing\")\n\nvar _ = syscall.Exit\n\n" + source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("go", "test", "-json", "-shuffle=1", "./...")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	events, _ := c.Output() // its status is what totals must find out
	var text strings.Builder
	n, err := read(strings.NewReader(string(events)), &text, root)
	if err != nil {
		t.Fatal(err)
	}
	n.sayLeftOut(&text)
	return n.passed, n.failed, text.String()
}

func TestTotalsCountWhatGoTestReports(t *testing.T) {
	for _, c := range []struct {
		name, source string
		passed       int
		failed       int
		say, not     string
	}{
		{"passed", `func TestA(t *testing.T) { t.Log("quiet"); t.Run("b", func(*testing.T) {}) }`, 2, 0, "ok  \tx", "quiet"},
		{"passed, shuffled", `func TestA(*testing.T) {}`, 1, 0, "ok", "-test.shuffle"},
		{"failed", `func TestA(t *testing.T) { t.Error("loud") }; func TestB(*testing.T) {}`, 1, 1, "loud", ""},
		{"skipped", `func TestA(t *testing.T) { t.Skip("no helper") }`, 0, 1, "no helper", ""},
		{"does not build", `func TestA(t *testing.T) { t.Nonsense() }`, 0, 1, "t.Nonsense undefined", ""},
		{"panics", `func TestA(*testing.T) { panic("boom") }`, 0, 1, "boom", ""},
		{"dies in a test", `func TestA(*testing.T) { println("last words"); syscall.Exit(3) }`, 0, 1, "last words", ""},
		{"failed, shuffled", `func TestA(t *testing.T) { t.Fail() }`, 0, 1, "-test.shuffle 1", ""},
		{"exits", `func TestMain(*testing.M) { println("gone"); panic("early") }`, 0, 1, "early", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			passed, failed, out := suite(t, c.source, true)
			if passed != c.passed || failed != c.failed || !strings.Contains(out, c.say) || c.not != "" && strings.Contains(out, c.not) {
				t.Errorf("%d passed, %d failed, want %d and %d; said\n%s", passed, failed, c.passed, c.failed, out)
			}
		})
	}
}

func TestWhatNeedsRootIsListedOnceAndExcusesNobodyElse(t *testing.T) {
	const source = `func TestA(t *testing.T) { t.Skip("left out, since it needs root: a cut") }
		func TestB(t *testing.T) { t.Run("c", func(t *testing.T) { t.Skip("left out, since it needs root: a cut") }) }
		func TestD(t *testing.T) { t.Skip("left out, for fun") }`
	passed, failed, out := suite(t, source, false)
	if passed != 1 || failed != 1 || !strings.Contains(out, "needs root: a cut (2):\n\tx TestA\n\tx TestB/c\n") || strings.Count(out, "TestA") != 1 {
		t.Errorf("%d passed, %d failed; said\n%s", passed, failed, out)
	}
	if passed, failed, out := suite(t, source, true); passed != 1 || failed != 3 {
		t.Errorf("as root %d passed, %d failed; said\n%s", passed, failed, out)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"Action":"pass","Package":"x","Test":"TestA"}` + "\n" + `{"Action":"output","Package":"x","Output":"ok\n"}`))
	f.Add([]byte("not json\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := read(strings.NewReader(string(b)), &strings.Builder{}, false); err != nil {
			t.Error(err)
		}
	})
}
