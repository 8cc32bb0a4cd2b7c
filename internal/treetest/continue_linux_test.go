package treetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// words is what the fake engine says at temperature 0.
func words(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " tok%d", i)
	}
	return b.String()
}

func TestTreeAnAnswerGoesOnAfterItsWorkerDied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm string
		says string
		flag []string
	}{
		"crashed": {"crash=decode@7", "segmentation fault; going on with another worker after", nil},
		"exited":  {"exit=decode@7", "exit status 42", nil},
		"stalled": {"hang=decode@7", "going on with another worker after", []string{"--stall", "1s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			once := filepath.Join(t.TempDir(), "once")
			r := infer(t, fake, append([]string{"RBEE_FAKE_ENGINE=tokens=20,rate=100,once=" + once + "," + c.harm, "--temperature", "0"}, c.flag...)...)
			r.Want(0, c.says, "20 tokens", "4 processes stopped")
			if got := strings.TrimRight(r.Stdout.String(), "\n"); got != words(20) {
				t.Errorf("the answer is %q", got)
			}
			r.Clean(0)
		})
	}
}

// The stream says so too, for programs: once each time it changed hands.
func TestTreeADaemonsAnswerSaysThatItWentOn(t *testing.T) {
	t.Parallel()
	once := filepath.Join(t.TempDir(), "once")
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=20,rate=100,crash=decode@7,once=" + once})
	f := d.post("hello", nil).end()
	if f.done == nil || f.done.Continued != 1 || f.done.Usage.CompletionTokens != 20 || f.text.String() != words(20) {
		t.Errorf("%q, done %+v, failed %+v", f.text.String(), f.done, f.failed)
	}
	d.stop(0)
}
