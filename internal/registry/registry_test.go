package registry

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

func row(node, address, state string, free, total int64) *messages.WorkerState {
	return &messages.WorkerState{
		Address: address, Node: node, ModelRef: "demo", ModelPath: "/m/demo.gguf",
		State: state, SlotsAvailable: free, SlotsTotal: total,
	}
}

func registered(t *testing.T, rows ...*messages.WorkerState) *Registry {
	t.Helper()
	r := New()
	for _, w := range rows {
		if err := r.Register(w); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func addresses(rows []*messages.WorkerState) string {
	var names []string
	for _, w := range rows {
		names = append(names, w.Address)
	}
	return strings.Join(names, " ")
}

func TestFindIdleTakesOnlyUsableWorkersOfThatNodeAndModel(t *testing.T) {
	other := row("mac", "w5", Idle, 4, 4)
	other.ModelRef, other.ModelPath = "tinyllama", "/m/tiny.gguf"
	r := registered(t,
		row("mac", "w0", Loading, 4, 4), row("mac", "w1", Draining, 4, 4), row("mac", "w2", Failed, 4, 4),
		row("mac", "w3", Busy, 0, 4), row("mac", "w4", Busy, 1, 4), other, row("mac", "w6", Idle, 2, 2),
		row("mac", "w7", Busy, 2, 4), row("pc", "p0", Idle, 9, 9))
	for _, c := range []struct{ node, model, want string }{
		{"mac", "demo", "w6"},         // most free slots, lowest address among equals
		{"mac", "/m/demo.gguf", "w6"}, // by path as well
		{"mac", "tinyllama", "w5"},
		{"pc", "demo", "p0"},
		{"pc", "tinyllama", ""},
		{"mac", "", ""},
		{"nas", "demo", ""},
	} {
		w, ok := r.FindIdle(c.node, c.model)
		if got := w.GetAddress(); got != c.want || ok != (c.want != "") {
			t.Errorf("FindIdle(%q, %q) = %q, %v; want %q", c.node, c.model, got, ok, c.want)
		}
	}
}

func TestListIsSortedByNodeThenAddress(t *testing.T) {
	r := registered(t, row("pc", "b", Idle, 1, 1), row("mac", "c", Idle, 1, 1), row("mac", "a", Idle, 1, 1))
	if got := addresses(r.List("")); got != "a c b" {
		t.Errorf("all nodes: %s", got)
	}
	if got := addresses(r.List("mac")); got != "a c" {
		t.Errorf("mac: %s", got)
	}
	if got := r.List("nas"); got != nil {
		t.Errorf("an unknown node has %v", got)
	}
	r.Remove("b")
	if got := fmt.Sprint(r.Nodes()); got != "[mac pc]" {
		t.Errorf("nodes %s: a node without workers is still a node", got)
	}
}

func TestInvalidRowsAreRefusedAndChangeNothing(t *testing.T) {
	for _, c := range []struct {
		why string
		bad *messages.WorkerState
		say string
	}{
		{"no address", row("mac", "", Idle, 1, 1), "no address"},
		{"no node", row("", "x", Idle, 1, 1), "no node"},
		{"unknown state", row("mac", "x", "sleepy", 1, 1), `unknown state "sleepy"`},
		{"more free than there are", row("mac", "x", Idle, 2, 1), "2 of 1 slots"},
		{"negative slots", row("mac", "x", Idle, -1, 1), "-1 of 1 slots"},
		{"another node's worker", row("pc", "mine", Idle, 1, 1), "belongs to node mac, not to pc"},
	} {
		t.Run(c.why, func(t *testing.T) {
			r := registered(t, row("mac", "mine", Idle, 1, 1))
			if err := r.Register(c.bad); err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("Register: %v", err)
			}
			if c.bad.Node != "" { // ReplaceNode names the node itself
				if err := r.ReplaceNode(c.bad.Node, []*messages.WorkerState{row(c.bad.Node, "ok", Idle, 1, 1), c.bad}); err == nil {
					t.Error("ReplaceNode took it")
				}
			}
			if got := addresses(r.List("")); got != "mine" {
				t.Errorf("afterwards: %s", got)
			}
		})
	}
	r := New()
	if err := r.ReplaceNode("mac", []*messages.WorkerState{row("", "a", Idle, 1, 1), row("", "a", Idle, 1, 1)}); err == nil {
		t.Error("one address twice was taken")
	}
}

func TestUpdateMayNotChangeWhoAWorkerIs(t *testing.T) {
	r := registered(t, row("mac", "w0", Idle, 1, 1))
	for name, change := range map[string]func(*messages.WorkerState){
		"address": func(w *messages.WorkerState) { w.Address = "w9" },
		"node":    func(w *messages.WorkerState) { w.Node = "pc" },
		"state":   func(w *messages.WorkerState) { w.State = "?" },
	} {
		if err := r.Update("w0", change); err == nil {
			t.Errorf("a change of %s was taken", name)
		}
	}
	if w, _ := r.Get("w0"); w.Node != "mac" || w.State != Idle {
		t.Errorf("a refused update left %v", w)
	}
	if err := r.Update("w9", func(*messages.WorkerState) {}); err == nil {
		t.Error("an unknown worker was updated")
	}
}

func TestRowsAreCopiedIn(t *testing.T) {
	w := row("mac", "w0", Idle, 1, 1)
	r := registered(t, w)
	before, _ := r.Get("w0")
	w.State = Failed
	if err := r.Update("w0", func(w *messages.WorkerState) { w.State, w.SlotsAvailable = Busy, 0 }); err != nil {
		t.Fatal(err)
	}
	after, _ := r.Get("w0")
	if before.State != Idle || after.State != Busy {
		t.Errorf("a reader's row went %s, the new one is %s", before.State, after.State)
	}
}

func TestReplaceNodeForgetsWhatIsNotListed(t *testing.T) {
	r := registered(t, row("mac", "a", Idle, 1, 1), row("mac", "b", Idle, 1, 1), row("pc", "p", Idle, 1, 1))
	if err := r.ReplaceNode("mac", []*messages.WorkerState{row("liar", "b", Busy, 0, 1), row("", "c", Loading, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if got := addresses(r.List("")); got != "b c p" {
		t.Errorf("rows: %s", got)
	}
	if _, ok := r.Get("a"); ok {
		t.Error("a is still found by its address")
	}
	if w, ok := r.Get("b"); !ok || w.State != Busy || w.Node != "mac" {
		t.Errorf("b = %v", w)
	}
	if got := addresses(r.RemoveNode("mac")); got != "b c" {
		t.Errorf("RemoveNode returned %s", got)
	}
	if _, ok := r.Get("c"); ok {
		t.Error("c outlived its node")
	}
	// The node may come back, with the address space it had.
	if err := r.Register(row("mac", "c2", Idle, 1, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestServesComparesPathAndReference(t *testing.T) {
	w := row("mac", "w", Idle, 1, 1)
	if !Serves(w, "demo") || !Serves(w, "/m/demo.gguf") || Serves(w, "de") || Serves(&messages.WorkerState{}, "") {
		t.Error("Serves")
	}
	if !proto.Equal(w, row("mac", "w", Idle, 1, 1)) {
		t.Error("a look changed the row")
	}
}
