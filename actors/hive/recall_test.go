package hive

import (
	"testing"
	"time"

	"rbee/messages"
)

func asking(ref string) *pending {
	return &pending{Generate: &messages.Generate{Id: "r", Model: &messages.ModelRef{Ref: ref}, Load: &messages.LoadOptions{Context: 512}}}
}

// What was found is known again only for the very same question, and only for a moment.
func TestWhatWasFoundIsRecalledForTheSameRequest(t *testing.T) {
	h := &hive{}
	first := asking("demo")
	h.remember(resolved{p: first, found: Found{Path: "/m/demo.gguf"}})
	r, ok := h.recall[recallKey(asking("demo").Generate)]
	if !ok || r.found.Path != "/m/demo.gguf" || time.Until(r.until) > recallTime {
		t.Errorf("recalled %+v, %v", r, ok)
	}
	other := asking("demo")
	other.Load.Device = "cuda:1"
	for _, p := range []*pending{asking("demo2"), other} {
		if _, ok := h.recall[recallKey(p.Generate)]; ok {
			t.Errorf("%v is recalled as another request", p.Generate)
		}
	}
	h.recall[recallKey(first.Generate)] = recall{until: time.Now().Add(-1)}
	if h.recalled(asking("demo")) {
		t.Error("recalled after its time")
	}
	plan := asking("demo")
	plan.PlanOnly = true
	h.remember(resolved{p: first, found: Found{Path: "/m/demo.gguf"}})
	if h.recalled(plan) {
		t.Error("a plan is answered from memory")
	}
}

func TestFewThingsAreRemembered(t *testing.T) {
	h := &hive{}
	for i := range 10 * recalls {
		h.remember(resolved{p: asking(string(rune('a' + i)))})
	}
	if n := len(h.recall); n > recalls {
		t.Errorf("%d are kept", n)
	}
}
