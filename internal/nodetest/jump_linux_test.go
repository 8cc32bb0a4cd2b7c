package nodetest

import (
	"strings"
	"testing"

	"rbee/internal/testbed"
)

func TestTreeAHostBehindTwoOthersAnswers(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{Jump: "h1"}, testbed.Spec{Jump: "h2"})
	r := newWorld(t, b, programs.Real).infer("h3")
	r.Want(0, "clean: 3 processes")
	if !strings.HasPrefix(r.Stdout.String(), greeting) {
		t.Errorf("no answer: %q", r.Stdout)
	}
	r.Clean(0)
	for _, h := range b.Hosts {
		bare(t, h)
	}
	for _, h := range b.Hosts[:2] {
		if files, err := h.Files(h.Home("") + "/.cache"); err != nil || len(files) > 0 {
			t.Errorf("a host on the way got files: %v %v", files, err)
		}
	}
}

// A slow and lossy line is no dead one: at the default lease nothing is given up, and nothing is lost.
func TestTreeASlowAndLossyLineChangesNothing(t *testing.T) {
	t.Parallel()
	script := engine("tokens=400,rate=100")
	b := hosts(t, testbed.Spec{SSHD: script}, testbed.Spec{SSHD: script})
	needs(t, b.Caps.Slow, "a slow line")
	var answers []string
	for _, h := range b.Hosts {
		visited(t, h, programs.Fake)
		if h.Name == "h2" {
			if err := h.Slow(testbed.Line{Rate: 2_000_000, Delay: 50e6, Loss: 0.02}); err != nil {
				t.Fatal(err)
			}
		}
		r := newWorld(t, b, programs.Fake).infer(h.Name)
		r.Want(0, "400 tokens", "clean: 3 processes", "0 forced")
		answers = append(answers, r.Stdout.String())
		r.Clean(0)
		nothingRuns(t, h, 0)
	}
	if answers[0] != answers[1] || !strings.Contains(answers[0], "tok399") {
		t.Errorf("the answers differ: %q, %q", answers[0], answers[1])
	}
}
