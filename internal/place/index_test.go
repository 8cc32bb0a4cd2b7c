package place

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rbee/internal/registry"
	"rbee/messages"
)

// The index says what Decide says, whatever became of the nodes before.
func TestTheIndexSaysWhatDecideSays(t *testing.T) {
	var uses, waits, others int
	rapid.Check(t, func(t *rapid.T) {
		x := NewIndex()
		nodes := map[string][]*messages.WorkerState{}
		names := []string{"a", "b", "c", "d"}
		pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
		row := func(node string, i int) *messages.WorkerState {
			total := rapid.Int64Range(1, 3).Draw(t, "total")
			ref := pick("ref", "demo", "tiny")
			return &messages.WorkerState{Node: node, Address: fmt.Sprintf("%s~w%d", node, i), ModelRef: ref, ModelPath: pick("path", ref, "/m/"+ref),
				State:      pick("state", registry.Loading, registry.Idle, registry.Busy, registry.Draining, registry.Failed),
				SlotsTotal: total, SlotsAvailable: rapid.Int64Range(0, total).Draw(t, "free"), LastActivityUnixNano: rapid.Int64Range(0, 2).Draw(t, "activity"),
				Context: rapid.Int64Range(1, 2).Draw(t, "context"), Backend: pick("backend", "cpu", "cuda")}
		}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			node := pick("node", names...)
			var rows []*messages.WorkerState
			for i := range rapid.IntRange(0, 4).Draw(t, "rows") {
				if old := nodes[node]; i < len(old) && rapid.Bool().Draw(t, "kept") {
					rows = append(rows, old[i])
					continue
				}
				rows = append(rows, row(node, i))
			}
			nodes[node] = rows
			x.Set(node, rows)
		}
		allowed := map[string]bool{}
		for _, n := range names {
			allowed[n] = rapid.Bool().Draw(t, "allowed")
		}
		r := Request{Model: pick("model", "demo", "tiny", "/m/demo", "gone"), Node: pick("on", "", "", names[0]), Context: rapid.Int64Range(0, 2).Draw(t, "want"),
			Backend: pick("by", "", "cpu"), Match: map[string]int{}}
		for _, n := range names {
			for i := range 4 {
				r.Match[fmt.Sprintf("%s~w%d", n, i)] = max(0, rapid.IntRange(-4, 2).Draw(t, "match"))
			}
		}
		var v View
		for _, n := range names {
			if allowed[n] {
				v.Nodes = append(v.Nodes, Node{Name: n, Workers: nodes[n]})
			}
		}
		want := Decide(v, r)
		var on []string
		for _, n := range v.Nodes {
			on = append(on, n.Name)
		}
		var ok bool
		for _, on := range [][]string{on, append(slices.Repeat([]string{"strange"}, few), on...)} { // few nodes, and many
			var got Decision
			got, ok = x.Loaded(r, on)
			if loaded := want.Do == Use || want.Do == Wait && want.Worker != nil; ok != loaded || ok && (got.Do != want.Do || got.Node != want.Node || got.Worker != want.Worker) {
				t.Fatalf("the index says %+v, %v of %v; Decide says %+v", got, ok, on, want)
			}
		}
		switch {
		case !ok:
			others++
		case want.Do == Use:
			uses++
		default:
			waits++
		}
	})
	if min(uses, waits, others) == 0 {
		t.Errorf("%d used, %d waits, %d others: one of them was never compared", uses, waits, others)
	}
}

// What is gone is not kept.
func TestAnEmptyIndexKeepsNothing(t *testing.T) {
	x := NewIndex()
	w := &messages.WorkerState{Address: "a~w", ModelRef: "demo", ModelPath: "/m", State: registry.Idle, SlotsTotal: 1, SlotsAvailable: 1}
	x.Set("a", slices.Repeat([]*messages.WorkerState{w}, 1))
	x.Set("a", nil)
	if n := len(x.nodes) + len(x.at) + len(x.usable) + len(x.loading); n != 0 {
		t.Errorf("%d things are left: %+v", n, x)
	}
}
