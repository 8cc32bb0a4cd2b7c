package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"rbee/messages"
)

// naive is the registry as one would write it without readers to care for.
type naive map[string]*messages.WorkerState

func (n naive) list(node string) []*messages.WorkerState {
	rows := slices.Collect(maps.Values(n))
	rows = slices.DeleteFunc(rows, func(w *messages.WorkerState) bool { return node != "" && w.Node != node })
	slices.SortFunc(rows, func(a, b *messages.WorkerState) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Address, b.Address))
	})
	return rows
}

func (n naive) idle(node, model string) *messages.WorkerState {
	var best *messages.WorkerState
	for _, w := range n.list(node) {
		up := w.State == Idle || w.State == Busy
		if up && w.SlotsAvailable > 0 && (w.ModelRef == model || w.ModelPath == model) &&
			(best == nil || w.SlotsAvailable > best.SlotsAvailable) {
			best = w
		}
	}
	return best
}

func anyRow(t *rapid.T, node string) *messages.WorkerState {
	total := rapid.Int64Range(0, 3).Draw(t, "total")
	model := rapid.SampledFrom([]string{"demo", "tiny"}).Draw(t, "model")
	return &messages.WorkerState{
		Node: node, Address: node + fmt.Sprintf("~w%d", rapid.IntRange(0, 5).Draw(t, "worker")),
		ModelRef: model, ModelPath: "/m/" + model,
		State:      rapid.SampledFrom([]string{Loading, Idle, Busy, Draining, Failed}).Draw(t, "state"),
		SlotsTotal: total, SlotsAvailable: rapid.Int64Range(0, total).Draw(t, "free"),
	}
}

func TestRegistryDoesWhatAMapWouldDo(t *testing.T) {
	nodes := []string{"mac", "nas", "pc"}
	rapid.Check(t, func(t *rapid.T) {
		r, want := New(), naive{}
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		node := func(t *rapid.T) string { return rapid.SampledFrom(nodes).Draw(t, "node") }
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				w := anyRow(t, node(t))
				must(r.Register(w))
				want[w.Address] = w
			},
			"update": func(t *rapid.T) {
				w := anyRow(t, node(t))
				err := r.Update(w.Address, func(row *messages.WorkerState) { proto.Reset(row); proto.Merge(row, w) })
				if _, known := want[w.Address]; known != (err == nil) {
					t.Fatalf("update of %s: %v", w.Address, err)
				} else if known {
					want[w.Address] = w
				}
			},
			"remove": func(t *rapid.T) {
				a := anyRow(t, node(t)).Address
				if _, known := want[a]; r.Remove(a) != known {
					t.Fatalf("remove of %s", a)
				}
				delete(want, a)
			},
			"remove node": func(t *rapid.T) {
				n := node(t)
				sameRows(t, r.RemoveNode(n), want.list(n))
				maps.DeleteFunc(want, func(_ string, w *messages.WorkerState) bool { return w.Node == n })
			},
			"replace node": func(t *rapid.T) {
				n, rows := node(t), naive{}
				for range rapid.IntRange(0, 4).Draw(t, "rows") {
					w := anyRow(t, n)
					rows[w.Address] = w
				}
				must(r.ReplaceNode(n, rows.list("")))
				maps.DeleteFunc(want, func(_ string, w *messages.WorkerState) bool { return w.Node == n })
				maps.Copy(want, rows)
			},
			"": func(t *rapid.T) {
				sameRows(t, r.List(""), want.list(""))
				for _, n := range nodes {
					sameRows(t, r.List(n), want.list(n))
					for _, m := range []string{"demo", "/m/tiny", "gone"} {
						if w, _ := r.FindIdle(n, m); !proto.Equal(w, want.idle(n, m)) {
							t.Fatalf("FindIdle(%s, %s) = %v, want %v", n, m, w, want.idle(n, m))
						}
					}
					for i := range 6 {
						a := fmt.Sprintf("%s~w%d", n, i)
						if w, ok := r.Get(a); ok != (want[a] != nil) || !proto.Equal(w, want[a]) {
							t.Fatalf("Get(%s) = %v, want %v", a, w, want[a])
						}
					}
				}
			},
		})
	})
}

func sameRows(t *rapid.T, got, want []*messages.WorkerState) {
	if !slices.EqualFunc(got, want, func(a, b *messages.WorkerState) bool { return proto.Equal(a, b) }) {
		t.Fatalf("rows %v, want %v", got, want)
	}
}

// Writers keep an invariant inside each node (the slots of its rows are all equal) that a torn read would break.
func TestReadersSeeANodeAsItWasAtOneMoment(t *testing.T) {
	r := New()
	replace := func(node string, slots int64) error {
		rows := make([]*messages.WorkerState, 8)
		for i := range rows {
			rows[i] = row("", fmt.Sprintf("%s~w%d", node, i), Busy, slots, slots)
		}
		return r.ReplaceNode(node, rows)
	}
	nodes := []string{"mac", "pc"}
	for _, n := range nodes {
		if err := replace(n, 1); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for _, n := range nodes {
		writers.Go(func() {
			for i := range int64(2000) {
				if err := replace(n, i%7+1); err != nil {
					t.Error(err)
					return
				}
			}
		})
		readers.Go(func() {
			for {
				rows := r.List(n)
				for _, w := range rows {
					if w.SlotsTotal != rows[0].SlotsTotal {
						t.Errorf("%s: %d slots beside %d", n, w.SlotsTotal, rows[0].SlotsTotal)
						return
					}
				}
				if _, ok := r.FindIdle(n, "demo"); !ok {
					t.Errorf("%s: no idle worker, though there always is one", n)
					return
				}
				if _, ok := r.Get(n + "~w3"); !ok {
					t.Errorf("%s: w3 is not found, though it is in every list", n)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

func TestAReaderDoesNotWaitForAWriter(t *testing.T) {
	r := registered(t, row("mac", "w0", Idle, 1, 1))
	err := r.Update("w0", func(w *messages.WorkerState) {
		done := make(chan struct{})
		go func() { // while the write is held open, every read ends
			defer close(done)
			r.Get("w0")
			r.FindIdle("mac", "demo")
			r.List("")
			r.Nodes()
		}()
		<-done
		w.State, w.SlotsAvailable = Busy, 0
	})
	if err != nil {
		t.Fatal(err)
	}
}
