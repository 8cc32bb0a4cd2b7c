package nodetest

import (
	"encoding/json"
	"strings"
	"testing"

	"rbee/deploy"
	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// steps reads the output of `rbee node check --json`.
func steps(t *testing.T, r *treekit.Run) (names []string, by map[string]deploy.Step) {
	t.Helper()
	by = map[string]deploy.Step{}
	for line := range strings.Lines(r.Stdout.String()) {
		var s deploy.Step
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		names = append(names, s.Name)
		by[s.Name] = s
	}
	return names, by
}

func TestTreeACheckGoesTheWayOfAnAnswerAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	w := newWorld(t, b, programs.Real)
	before := len(must(h.Files())(t))
	r := w.rbee("node", "check", "h1", "--json")
	r.Want(0)
	names, by := steps(t, r)
	if got := strings.Join(names, " "); got != "name reach host key auth exec latency system space bundle" {
		t.Errorf("steps: %s", got)
	}
	for name, s := range by {
		if !s.OK || s.MS < 0 || s.Text == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if !strings.Contains(by["bundle"].Text, "the first use sends") || !strings.HasPrefix(by["host key"].Text, "ssh-ed25519 SHA256:") {
		t.Errorf("%+v", by)
	}
	if after := len(must(h.Files())(t)); after > before+2 { // the folders of the cache may be new
		t.Errorf("%d files before, %d after", before, after)
	}

	r = w.rbee("node", "check", "h1", "--install")
	r.Want(0)
	for _, says := range []string{"sent (", "llama.cpp", "GB free"} {
		if !strings.Contains(r.Stdout.String(), says) {
			t.Errorf("no %q:\n%s", says, r.Stdout)
		}
	}
	r = w.rbee("node", "check", "h1")
	r.Want(0)
	if !strings.Contains(r.Stdout.String(), "this build is installed") || strings.Contains(r.Stdout.String(), "FAILED") {
		t.Errorf("%s", r.Stdout)
	}
	if r := w.infer("h1"); true {
		r.Want(0)
		if strings.Contains(r.Stderr.String(), "sending") {
			t.Errorf("it was sent once more:\n%s", r.Stderr)
		}
	}
	bare(t, h)
}

// Where the home folder cannot hold programs they live below /var/tmp, and are not found by a guess.
func TestTreeACheckFindsWhatIsInstalledElsewhereThanAtHome(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{HomeNoexec: true})
	asked(t, b.Host("h1"))
	w := newWorld(t, b, programs.Real)
	for _, says := range []string{"the first use sends", "this build is installed"} {
		r := w.rbee("node", "check", "h1")
		r.Want(0)
		if !strings.Contains(r.Stdout.String(), says) {
			t.Errorf("no %q:\n%s", says, r.Stdout)
		}
		w.infer("h1").Want(0)
	}
	nothingRuns(t, b.Host("h1"), 0)
}

func TestTreeACheckStopsAtWhatFailsAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{HomeNoexec: true, TmpNoexec: true}, testbed.Spec{Without: []string{"tar"}})
	if _, err := b.Host("h1").Kill(testbed.SSHD); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, b, programs.Fake)
	for host, want := range map[string]struct{ step, says string }{
		"h1": {"reach", "cannot reach"}, "h2": {"space", "noexec"}, "h3": {"system", "no tar"},
	} {
		t.Run(want.step, func(t *testing.T) {
			asked(t, b.Host(host))
			r := w.rbee("node", "check", host)
			r.Want(1, "next: ")
			lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
			last := strings.Fields(lines[len(lines)-1])
			if last[0] != "FAILED" || last[1] != want.step || !strings.Contains(lines[len(lines)-1], want.says) {
				t.Errorf("%s: %s", host, r.Stdout)
			}
		})
	}
}

func TestTreeDetectSaysWhatCanRunThere(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	w := newWorld(t, b, programs.Real)
	r := w.rbee("node", "detect", "h1", "--json")
	r.Want(0, "sending rbee to h1")
	var d deploy.Detected
	if err := json.Unmarshal([]byte(r.Stdout.String()), &d); err != nil || d.Engine != "llama.cpp" || len(d.Devices) == 0 || !strings.HasPrefix(d.Devices[0].ID, "cpu") || d.Devices[0].TotalBytes == 0 {
		t.Errorf("%v %s", err, r.Stdout)
	}
	r = w.rbee("node", "detect", "h1")
	r.Want(0)
	if !strings.Contains(r.Stdout.String(), "GB free") {
		t.Errorf("%s", r.Stdout)
	}
	bare(t, b.Host("h1"))
}
