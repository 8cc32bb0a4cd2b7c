package place

import (
	"testing"

	"rbee/messages"
)

func TestARequestIsServedByTheKindOfWorkerThatItNames(t *testing.T) {
	for _, c := range []struct {
		asked, is string
		fits      bool
	}{
		{"", "", true}, {"", "llama.cpp", true}, {"llama.cpp", "", true}, {"echo", "echo", true},
		{"", "echo", false}, {"echo", "", false}, {"echo", "llama.cpp", false},
	} {
		w := &messages.WorkerState{ModelPath: "/m", Worker: c.is}
		if got := Fits(w, Request{Model: "/m", Worker: c.asked}); got != c.fits {
			t.Errorf("asked for %q, the worker is %q: fits %v", c.asked, c.is, got)
		}
	}
}
