package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// suite runs go test -json on a package made of source and returns what totals makes of it.
func suite(t *testing.T, source string) (totals, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n", "x_test.go": "package x\n\nimport \"testing\"\n\n" + source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("go", "test", "-json", "./...")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	events, _ := c.Output() // its status is what totals must find out
	var out strings.Builder
	n, err := read(strings.NewReader(string(events)), &out)
	if err != nil {
		t.Fatal(err)
	}
	return n, out.String()
}

func TestTotalsCountWhatGoTestReports(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         totals
		say, not     string
	}{
		{"passed", `func TestA(t *testing.T) { t.Log("quiet"); t.Run("b", func(*testing.T) {}) }`, totals{2, 0}, "ok  \tx", "quiet"},
		{"failed", `func TestA(t *testing.T) { t.Error("loud") }; func TestB(*testing.T) {}`, totals{1, 1}, "loud", ""},
		{"skipped", `func TestA(t *testing.T) { t.Skip("no helper") }`, totals{0, 1}, "no helper", ""},
		{"does not build", `func TestA(t *testing.T) { t.Nonsense() }`, totals{0, 1}, "t.Nonsense undefined", ""},
		{"panics", `func TestA(*testing.T) { panic("boom") }`, totals{0, 1}, "boom", ""},
		{"exits", `func TestMain(*testing.M) { println("gone"); panic("early") }`, totals{0, 1}, "early", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, out := suite(t, c.source)
			if got != c.want || !strings.Contains(out, c.say) || c.not != "" && strings.Contains(out, c.not) {
				t.Errorf("%+v, want %+v; said\n%s", got, c.want, out)
			}
		})
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"Action":"pass","Package":"x","Test":"TestA"}` + "\n" + `{"Action":"output","Package":"x","Output":"ok\n"}`))
	f.Add([]byte("not json\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := read(strings.NewReader(string(b)), &strings.Builder{}); err != nil {
			t.Error(err)
		}
	})
}
