package nodetest

import (
	"strings"
	"testing"

	"rbee/internal/testbed"
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
