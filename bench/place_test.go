package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/messages"
)

// nodesOf is what a queen tells place of its fleet: each node's rows, as the registry has them at that moment.
func nodesOf(r *registry.Registry, names []string, into []place.Node) []place.Node {
	into = into[:0]
	for _, n := range names {
		into = append(into, place.Node{Name: n, Workers: r.List(n), Full: true})
	}
	return into
}

// BenchmarkPlaceOn1000Hives takes a request of 20 tenants from line and places it among 1,000 hives x 8 workers, one of
// which on each hive has a slot: the order of the line, the view of the registry, and the decision; of any, the index instead of the view.
func BenchmarkPlaceOn1000Hives(b *testing.B) {
	r, names := fleet(b)
	chance := rand.New(rand.NewPCG(1, 2))
	for name, wanted := range map[string]func() []string{
		"one":  func() []string { i := chance.IntN(fleetNodes); return names[i : i+1] },
		"64":   func() []string { i := chance.IntN(fleetNodes - 64); return names[i : i+64] }, // the most that a request may name
		"1000": func() []string { return names },
		"any":  nil, // by the index that the queen keeps
	} {
		b.Run("nodes="+name, func(b *testing.B) {
			q := place.NewQueue(100)
			ask := func() { q.Join(&place.Waiter{Tenant: fmt.Sprint(chance.IntN(20))}) }
			for range 100 {
				ask()
			}
			var took, changes []time.Duration
			x := place.NewIndex()
			for _, n := range names {
				x.Set(n, r.List(n))
			}
			var view []place.Node
			var turns []place.Turn
			for b.Loop() {
				began := time.Now()
				turns = append(turns, q.Take(q.Next()))
				var d place.Decision
				switch name {
				case "any":
					d, _ = x.Loaded(place.Request{Model: "demo"}, names)
				case "64":
					d, _ = x.Loaded(place.Request{Model: "demo"}, wanted())
				default: // without the index

					view = nodesOf(r, wanted(), view)
					d = place.Decide(place.View{Nodes: view}, place.Request{Model: "demo"})
				}
				took = append(took, time.Since(began))
				if d.Do != place.Use {
					b.Fatalf("%+v", d)
				}
				if wanted == nil || name == "64" { // what the hive says next: it is used, and another one is free again
					changes = append(changes, take(b, r, x, d.Worker, chance))
				}
				ask()
				if len(turns) > 4*fleetNodes {
					q.Finished(turns[0], chance.Float64(), true)
					turns = turns[1:]
				}
			}
			slices.Sort(took)
			p99 := float64(took[len(took)*99/100].Nanoseconds()) / 1000
			b.ReportMetric(p99, "p99-us")
			if len(changes) > 0 {
				slices.Sort(changes)
				b.ReportMetric(float64(percentile(changes, 99).Nanoseconds())/1000, "change-p99-us")
			}
			if name == "64" || name == "any" {
				atMost(b, "1,000 hives x 8 workers: place among "+name+", p99", "us", 50, p99)
			}
		})
	}
}

// take uses one slot of w, and frees all of another node's last worker. It returns what the change of w cost the index.
func take(b *testing.B, r *registry.Registry, x *place.Index, w *messages.WorkerState, chance *rand.Rand) time.Duration {
	set := func(address, node string, free int64) time.Duration {
		if err := r.Update(address, func(w *messages.WorkerState) {
			w.SlotsAvailable, w.LastActivityUnixNano = free, w.LastActivityUnixNano+1
		}); err != nil {
			b.Fatal(err)
		}
		rows := r.List(node)
		began := time.Now()
		x.Set(node, rows)
		return time.Since(began)
	}
	cost := set(w.Address, w.Node, w.SlotsAvailable-1)
	node := fmt.Sprintf("node-%d", chance.IntN(fleetNodes))
	set(workerAddress(node, fleetWorkers-1), node, 4)
	return cost
}

// BenchmarkStopOf1000Hives stops a queen with 1,000 hives x 8 workers, all actors of this process: what the actor
// library's own cascade takes when nothing takes its time.
func BenchmarkStopOf1000Hives(b *testing.B) {
	system := actor.NewActorSystem()
	worker := actor.PropsFromFunc(func(actor.Context) {})
	parent := func(n int, child *actor.Props) *actor.Props {
		return actor.PropsFromFunc(func(c actor.Context) {
			if _, ok := c.Message().(*actor.Started); ok {
				for range n {
					c.Spawn(child)
				}
			}
			if ready, ok := c.Message().(chan struct{}); ok {
				close(ready)
			}
		})
	}
	var took []float64
	for b.Loop() {
		queen := system.Root.Spawn(parent(fleetNodes, parent(fleetWorkers, worker)))
		ready := make(chan struct{})
		system.Root.Send(queen, ready)
		<-ready
		began := time.Now()
		if err := system.Root.StopFuture(queen).Wait(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began).Seconds())
	}
	b.ReportMetric(middle(took), "s/stop")
	atMost(b, "1,000 hives x 8 workers: stop all", "s", 1, middle(took))
}
