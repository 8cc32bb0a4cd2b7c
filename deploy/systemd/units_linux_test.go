package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rbee/internal/testkit/treekit"
)

// unit is a copy of a unit file whose programs are there.
func unit(t *testing.T, name, bin string) (path, text string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text = strings.NewReplacer("/usr/local/bin/", bin+"/", "%h/.local/bin/", bin+"/", "User=rbee\n", "").Replace(string(b))
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, text
}

func build(t *testing.T) (bin string) {
	t.Helper()
	bin = t.TempDir()
	if err := treekit.Go("build", "-o", bin+"/", "rbee/cmd/queen-rbee"); err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestSystemdUnderstandsTheUnits(t *testing.T) {
	bin := build(t)
	for _, name := range []string{"rbee.service", "rbee-user.service"} {
		path, _ := unit(t, name, bin)
		out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), path) || strings.Contains(string(out), name) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// What the machine's service may do is bounded, as systemd sees it: 10 is everything, a service without a word of
// hardening has 9.6.
func TestTheMachinesServiceIsConfined(t *testing.T) {
	path, _ := unit(t, "rbee.service", "/bin")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", path).CombinedOutput()
	if err != nil {
		t.Errorf("exposed more than 3.0: %v\n%s", err, out)
	}
}

// A flag that a unit names must be one of the daemon's, and the time to stop longer than what the daemon takes.
func TestTheUnitsStartAQueenAsItIs(t *testing.T) {
	bin := build(t)
	for _, name := range []string{"rbee.service", "rbee-user.service"} {
		_, text := unit(t, name, bin)
		line := regexp.MustCompile(`(?m)^ExecStart=(.+)$`).FindStringSubmatch(text)
		if line == nil {
			t.Fatalf("%s starts nothing", name)
		}
		args := append(strings.Fields(line[1]), "--drain", "nonsense") // it must get as far as this one
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "nonsense") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(text)
		if limit, err := time.ParseDuration(stop[1] + "s"); err != nil || limit < 30*time.Second+5*time.Second+15*time.Second {
			t.Errorf("%s: %v to stop is less than drain, grace and the levels above need", name, limit)
		}
	}
}
