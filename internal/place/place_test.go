package place

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rbee/internal/fault"
	"rbee/internal/registry"
	"rbee/messages"
)

// worker is written "address state free/total" with options after it: "ctx=512", "threads=2", "at=7", "model=x".
func worker(s string) *messages.WorkerState {
	w := &messages.WorkerState{ModelRef: "demo", ModelPath: "/m/demo.gguf", Context: 4096, Threads: 3}
	f := strings.Fields(s)
	w.Address, w.State = f[0], f[1]
	fmt.Sscanf(f[2], "%d/%d", &w.SlotsAvailable, &w.SlotsTotal)
	for _, o := range f[3:] {
		fmt.Sscanf(o, "ctx=%d", &w.Context)
		fmt.Sscanf(o, "threads=%d", &w.Threads)
		fmt.Sscanf(o, "at=%d", &w.LastActivityUnixNano)
		fmt.Sscanf(o, "model=%s", &w.ModelRef)
	}
	if w.ModelRef != "demo" {
		w.ModelPath = "/m/" + w.ModelRef
	}
	return w
}

func node(name string, workers ...string) Node {
	n := Node{Name: name}
	for _, w := range workers {
		n.Workers = append(n.Workers, worker(w))
	}
	return n
}

func (n Node) full() Node                { n.Full = true; return n }
func (n Node) file() Node                { n.HasFile = true; return n }
func (n Node) asked(i int) Node          { n.Asked = i; return n }
func (n Node) free(bytes int64) Node     { n.Free = bytes; return n }
func (n Node) refuses(c fault.Code) Node { n.Refuses = fault.New(c, "gave up"); return n }

// say writes a decision as "use w1", "start mac", "wait w1", "wait", "reject CODE".
func say(d Decision) string {
	switch {
	case d.Fault != nil:
		return string(d.Do) + " " + string(d.Fault.Code)
	case d.Worker != nil:
		return string(d.Do) + " " + d.Worker.Address
	case d.Node != "":
		return string(d.Do) + " " + d.Node
	}
	return string(d.Do)
}

func TestDecide(t *testing.T) {
	demo := Request{Node: "mac", Model: "/m/demo.gguf"}
	any := Request{Model: "demo"}
	for _, c := range []struct {
		name  string
		view  View
		ask   Request
		wants string
	}{
		{"nothing runs: start", View{Nodes: []Node{node("mac")}}, demo, "start mac"},
		{"an idle worker is used", View{Nodes: []Node{node("mac", "w1 idle 1/1")}}, demo, "use w1"},
		{"a busy worker with a free slot is used", View{Nodes: []Node{node("mac", "w1 busy 1/4")}}, demo, "use w1"},
		{"all slots taken: start another", View{Nodes: []Node{node("mac", "w1 busy 0/4")}}, demo, "start mac"},
		{"most free slots win", View{Nodes: []Node{node("mac", "w1 busy 1/4", "w2 busy 3/4", "w3 busy 2/4")}}, demo, "use w2"},
		{"the longest common prefix wins before them", View{Nodes: []Node{node("mac", "w1 busy 1/4", "w2 busy 3/4", "w3 idle 4/4")}},
			Request{Node: "mac", Model: "demo", Match: map[string]int{"w1": 5, "w2": 2}}, "use w1"},
		{"but not without a slot", View{Nodes: []Node{node("mac", "w1 busy 0/4", "w2 busy 3/4", "w3 idle 4/4")}},
			Request{Node: "mac", Model: "demo", Match: map[string]int{"w1": 5, "w2": 2}}, "use w2"},
		{"then the one active last", View{Nodes: []Node{node("mac", "w1 idle 1/1 at=5", "w2 idle 1/1 at=9")}}, demo, "use w2"},
		{"then the first by address", View{Nodes: []Node{node("mac", "w2 idle 1/1", "w1 idle 1/1")}}, demo, "use w1"},
		{"another model does not serve", View{Nodes: []Node{node("mac", "w1 idle 1/1 model=tiny")}}, demo, "start mac"},
		{"another context does not serve", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=512")}},
			Request{Node: "mac", Model: "demo", Context: 4096}, "start mac"},
		{"the same context does", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=512", "w2 idle 1/1")}},
			Request{Node: "mac", Model: "demo", Context: 512}, "use w1"},
		{"no wish takes any context and threads", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=512 threads=1")}}, demo, "use w1"},
		{"no wish takes no context below the usual one", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=512")}},
			Request{Node: "mac", Model: "demo", Default: 4096}, "start mac"},
		{"but that one or a larger", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=512", "w2 idle 1/1 ctx=8192")}},
			Request{Node: "mac", Model: "demo", Default: 4096}, "use w2"},
		{"and what was left to the default", View{Nodes: []Node{node("mac", "w1 idle 1/1 ctx=0")}},
			Request{Node: "mac", Model: "demo", Default: 4096}, "use w1"},
		{"other threads do not serve", View{Nodes: []Node{node("mac", "w1 idle 1/1 threads=1")}},
			Request{Node: "mac", Model: "demo", Threads: 2}, "start mac"},
		{"draining and failed are as good as gone", View{Nodes: []Node{node("mac", "w1 draining 1/1", "w2 failed 1/1")}}, demo, "start mac"},

		{"one that loads is waited for", View{Nodes: []Node{node("mac", "w1 loading 1/1")}}, demo, "wait w1"},
		{"not when its slots are promised", View{Nodes: []Node{node("mac", "w1 loading 0/1")}}, demo, "start mac"},
		{"an idle one is better", View{Nodes: []Node{node("mac", "w1 loading 4/4", "w2 idle 1/1")}}, demo, "use w2"},
		{"one that loads another context is not", View{Nodes: []Node{node("mac", "w1 loading 1/1 ctx=512")}},
			Request{Node: "mac", Model: "demo", Context: 4096}, "start mac"},

		{"only the named node counts", View{Nodes: []Node{node("pc", "p1 idle 4/4"), node("mac")}}, demo, "start mac"},
		{"any: an idle worker anywhere", View{Nodes: []Node{node("mac").file().free(9), node("pc", "p1 idle 1/1")}}, any, "use p1"},
		{"any: the node with the file", View{Nodes: []Node{node("mac").free(9), node("pc").file().free(1), node("nas").free(99)}}, any, "start pc"},
		{"any: of those, most memory", View{Nodes: []Node{node("mac").file().free(1), node("pc").file().free(2)}}, any, "start pc"},
		{"any: without a file, most memory", View{Nodes: []Node{node("mac").free(1), node("pc").free(2), node("nas").free(2)}}, any, "start pc"},
		{"any: a full node is passed over", View{Nodes: []Node{node("mac").file().full(), node("pc")}}, any, "start pc"},
		{"any: one that refuses too", View{Nodes: []Node{node("mac").file().refuses(fault.WorkerStartFailed), node("pc")}}, any, "start pc"},

		{"no room: wait", View{Nodes: []Node{node("mac", "w1 busy 0/1").full()}, QueueLimit: 1}, demo, "wait mac"},
		{"any: wait where fewer are for each slot", View{Nodes: []Node{node("mac", "w1 busy 0/4").full().asked(9), node("pc", "p1 busy 0/1").full().asked(3),
			node("nas", "n1 busy 0/2").full().asked(4)}, QueueLimit: 1}, any, "wait nas"},
		{"any: not where the model is not", View{Nodes: []Node{node("mac", "w1 busy 0/4").full().asked(9), node("pc").full()}, QueueLimit: 1}, any, "wait mac"},
		{"no room and the queue is full", View{Nodes: []Node{node("mac", "w1 busy 0/1").full()}, Waiting: 1, QueueLimit: 1}, demo, "reject QUEUE_FULL"},
		{"no queue at all", View{Nodes: []Node{node("mac", "w1 busy 0/1").full()}}, demo, "reject QUEUE_FULL"},
		{"gave up: the reason, not the queue", View{Nodes: []Node{node("mac", "w1 failed 0/1").refuses(fault.WorkerStartFailed)}, QueueLimit: 9}, demo, "reject WORKER_START_FAILED"},
		{"gave up, but one still works", View{Nodes: []Node{node("mac", "w1 busy 0/1").refuses(fault.WorkerStartFailed)}, QueueLimit: 9}, demo, "wait mac"},
		{"gave up, but one has a slot", View{Nodes: []Node{node("mac", "w1 busy 1/2").refuses(fault.WorkerStartFailed)}}, demo, "use w1"},

		{"an unknown node", View{Nodes: []Node{node("pc"), node("mac")}, QueueLimit: 9}, Request{Node: "nas", Model: "demo"}, "reject NODE_UNKNOWN"},
		{"no node at all", View{QueueLimit: 9}, any, "reject NODE_UNKNOWN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := say(Decide(c.view, c.ask)); got != c.wants {
				t.Errorf("decided %q, want %q", got, c.wants)
			}
		})
	}
}

func TestAnUnknownNodeListsTheKnownOnes(t *testing.T) {
	d := Decide(View{Nodes: []Node{node("pc"), node("mac")}}, Request{Node: "nas", Model: "demo"})
	if !strings.Contains(d.Fault.Message, `"nas"`) || d.Fault.Hint != "known nodes: mac, pc" {
		t.Errorf("%s (%s)", d.Fault.Message, d.Fault.Hint)
	}
}

// Whatever is known and asked, the decision can be carried out: the worker fits and is able, the node has room.
func TestEveryDecisionCanBeCarriedOut(t *testing.T) {
	states := []string{registry.Loading, registry.Idle, registry.Busy, registry.Draining, registry.Failed}
	rapid.Check(t, func(t *rapid.T) {
		v := View{Waiting: rapid.IntRange(0, 2).Draw(t, "waiting"), QueueLimit: rapid.IntRange(0, 2).Draw(t, "limit")}
		for i := range rapid.IntRange(0, 3).Draw(t, "nodes") {
			n := Node{Name: fmt.Sprintf("n%d", i), HasFile: rapid.Bool().Draw(t, "file"), Full: rapid.Bool().Draw(t, "full"),
				Free: rapid.Int64Range(0, 2).Draw(t, "free")}
			if rapid.Bool().Draw(t, "refuses") {
				n.Refuses = fault.New(fault.WorkerStartFailed, "gave up")
			}
			for j := range rapid.IntRange(0, 3).Draw(t, "workers") {
				w := worker(fmt.Sprintf("%s~w%d %s %d/2 ctx=%d", n.Name, j, rapid.SampledFrom(states).Draw(t, "state"),
					rapid.IntRange(0, 2).Draw(t, "slots"), rapid.SampledFrom([]int{512, 4096}).Draw(t, "ctx")))
				n.Workers = append(n.Workers, w)
			}
			v.Nodes = append(v.Nodes, n)
		}
		r := Request{Node: rapid.SampledFrom([]string{"", "n0", "n1", "gone"}).Draw(t, "node"), Model: "demo",
			Context: rapid.SampledFrom([]int64{0, 512}).Draw(t, "want ctx")}
		d := Decide(v, r)
		if r.Node != "" && d.Node != "" && d.Node != r.Node {
			t.Fatalf("asked for %s, got %s", r.Node, d.Node)
		}
		switch d.Do {
		case Use:
			if !registry.Usable(d.Worker) || !Fits(d.Worker, r) || !strings.HasPrefix(d.Worker.Address, d.Node) {
				t.Fatalf("cannot use %v on %s", d.Worker, d.Node)
			}
		case Start:
			for _, n := range v.Nodes {
				if n.Name == d.Node && (n.Full || n.Refuses != nil) {
					t.Fatalf("cannot start on %+v", n)
				}
			}
		case Wait:
			if d.Worker == nil && v.Waiting >= v.QueueLimit {
				t.Fatalf("waits in a full queue")
			}
		case Reject:
			if d.Fault == nil {
				t.Fatal("rejected without a reason")
			}
		default:
			t.Fatalf("no action: %+v", d)
		}
	})
}
