package treetest

import (
	"strings"
	"testing"

	"rbee/internal/testkit"
	"rbee/internal/testkit/treekit"
)

// A chat is one tree for all its answers; Ctrl-C ends an answer or a line, and /bye all of it.
func TestTreeAChatKeepsItsWorkerAndOutlivesCtrlC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := treekit.OnTerminal(t, environment(dir, "RBEE_FAKE_ENGINE=tokens=100000,rate=200"), fake+"/rbee", "run", "demo")
	r.Prompted(">>> ", "")
	r.Type("one\r")
	r.See("tok5", 1)
	r.Type("\x03")
	r.See("cancelled: by request after", 1)
	r.Prompted(">>> ", "by request after")
	r.Type("half a line\x03")
	r.See("use Ctrl-D or /bye to end", 1)
	r.Prompted(">>> ", "or /bye to end")
	r.Type("two\r")
	r.See("tok5", 2)
	r.Type("\x03")
	r.Prompted(">>> ", "tok5")
	r.Type("/bye\r")
	if code := r.Exit(); code != 0 {
		t.Errorf("ended with %d:\n%s", code, r.Screen)
	}
	r.Screen.Over()
	if s := r.Screen.String(); !strings.Contains(s, "clean: 3 processes stopped") || strings.Count(s, "starting worker") != 1 {
		t.Errorf("want one worker for both answers, and a clean end:\n%s", s)
	}
	if left, err := testkit.Leftovers(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
