package nodetest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// attacks are what a node's owner can put in the place of its hive (package testkit/cmd/hostilehive), with what is
// then said of it.
var attacks = map[string][]string{
	"garbage":  {"HIVE_START_FAILED", "no handshake"},
	"giant":    {"handshake"},
	"flood":    {"HIVE_START_FAILED", "it said nothing for"},
	"quiet":    {"HIVE_START_FAILED", "it said nothing for"},
	"rubbish":  {"node: "}, // it is lost before or after it was up
	"takeover": {"node: "},
}

// It costs an error, and nothing else: not the daemon, not the answers of another node, not memory, not time.
func TestTreeAHostileNodeCostsAnErrorAndNothingElse(t *testing.T) {
	t.Parallel()
	specs := []testbed.Spec{{Name: "good", SSHD: engine("tokens=20")}}
	for name := range attacks {
		specs = append(specs, testbed.Spec{Name: name, SSHD: []string{"SetEnv RBEE_FAKE_HIVE=" + name}})
	}
	b := hosts(t, specs...)
	w := newWorld(t, b, programs.Fake)
	program := must(os.ReadFile(hostile))(t)
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
		if h.Name != "good" {
			hive := h.Path(filepath.Join(h.Home(""), ".cache/rbee/bundles", packed[programs.Fake].Folder(), "bin/rbee-hive"))
			if err := os.WriteFile(hive, program, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := w.daemon("--stall", "2s")
	d.ask("good").Want(0, "starting worker")
	began := time.Now()
	attacked := map[string]*treekit.Run{}
	for name := range attacks {
		attacked[name] = d.ask(name, "--deadline", "10s")
	}
	d.reuses("good")
	for name, r := range attacked {
		r.Want(1, append(attacks[name], name)...)
		d.reuses("good")
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if rss := memory(t, d.cmd.Process.Pid); rss > 300<<20 {
		t.Errorf("the daemon uses %d MB", rss>>20)
	}
	if log := d.log.String(); strings.Contains(log, "because I say so") || strings.Contains(log, "hive-good.1 on takeover") || len(log) > 1<<16 {
		t.Errorf("its log, %d bytes: %.2000s", len(log), log)
	}
	d.reuses("good")
	d.stop(b, 3) // 3: what runs on such a node is never proven gone
}

// memory returns what a process holds, in bytes.
func memory(t *testing.T, pid int) int64 {
	t.Helper()
	status := must(os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status"))(t)
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmRSS:" {
			return must(strconv.ParseInt(f[1], 10, 64))(t) << 10
		}
	}
	t.Fatalf("%s", status)
	return 0
}
