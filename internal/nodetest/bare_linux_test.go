package nodetest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// greeting is what the demo model answers at temperature 0.
const greeting = "Hello world from a tiny llama"

func TestTreeABareHostAnswersAndKeepsNothingButTheCache(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{Shell: "/bin/sh", SSHD: []string{"DisableForwarding yes"}})
	w := newWorld(t, b, programs.Real)
	r := w.infer("h1", "--json")
	r.Want(0, "looking at h1", "sending rbee to h1 (", "starting worker")
	if !strings.Contains(r.Stdout.String(), `"text":"`+greeting) {
		t.Errorf("no answer: %s", r.Stdout)
	}
	if rc := r.Receipt(); !rc.Clean || rc.Forced != 0 || len(rc.Processes) != 3 {
		t.Errorf("receipt %+v, want 3 processes stopped", rc)
	}
	r.Clean(0)
	bare(t, b.Host("h1"))

	r = w.infer("h1")
	r.Want(0, "0 forced")
	if strings.Contains(r.Stderr.String(), "sending") || strings.Contains(r.Stderr.String(), "looking at") {
		t.Errorf("the second visit looked or sent again:\n%s", r.Stderr)
	}
	if !strings.HasPrefix(r.Stdout.String(), greeting) {
		t.Errorf("no answer: %s", r.Stdout)
	}
	r.Clean(0)
	bare(t, b.Host("h1"))
}

// Nobody has to be first, or to wait for the other.
func TestTreeFourFirstVisitsAtOnceDoNotHurtEachOther(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	var visits []*treekit.Run
	for range 4 {
		visits = append(visits, newWorld(t, b, programs.Fake).infer("h1"))
	}
	for _, r := range visits {
		r.Want(0, "sending rbee to h1", "clean: 3 processes", "0 forced")
		r.Clean(0)
	}
	bare(t, b.Host("h1"))
	bundles, err := os.ReadDir(b.Host("h1").Path(b.Host("h1").Home("") + "/.cache/rbee/bundles"))
	if err != nil || len(bundles) != 1 {
		t.Errorf("in the cache: %v %v", bundles, err)
	}
}

func TestTreeACtrlCWhileANodeIsReachedLeavesNothing(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{HomeFiles: map[string]string{".bashrc": "sleep 3\n"}}, testbed.Spec{})
	for name, silent := range map[string]bool{"h1": false, "h2": true} {
		t.Run(fmt.Sprintf("silent %v", silent), func(t *testing.T) {
			h := b.Host(name)
			visited(t, h, programs.Fake)
			if silent {
				needs(t, b.Caps.Cut, "a cut")
				if err := h.Cut(testbed.DropBoth); err != nil {
					t.Fatal(err)
				}
			}
			r := newWorld(t, b, programs.Fake).infer(h.Name)
			if !r.Stderr.Wait("starting hive on " + h.Name) {
				t.Fatal(r.Stderr)
			}
			began := time.Now()
			_ = r.Cmd.Process.Signal(syscall.SIGINT)
			r.Want(130)
			if took := time.Since(began); took > 7*time.Second { // a cancel is acknowledged within 5 s, then comes the stop
				t.Errorf("%s: took %v", h.Name, took)
			}
			r.Clean(0)
			if left, err := h.WaitGone(5*time.Second, ofUser(h)); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
		})
	}
}

func TestTreeThisMachineAndAnotherTakePartTogether(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	visited(t, b.Host("h1"), programs.Fake)
	w := newWorld(t, b, programs.Fake)
	r := w.infer("localhost,h1", "--json")
	r.Want(0, "starting hive on localhost", "starting hive on h1", "placed on ")
	if rc := r.Receipt(); !rc.Clean || len(rc.Processes) != 4 {
		t.Errorf("receipt %+v, want a queen, two hives and a worker", rc)
	}
	r.Clean(0)
	nothingRuns(t, b.Host("h1"), 0)
}
