package queen

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/transport"
	"rbee/messages"
)

// unload is somebody's wish that a node, a worker, or all workers of a model end, and that they are told when it is so.
type unload struct {
	target string
	grace  time.Duration
	reply  chan<- unloaded // has room for one
}

type unloaded struct {
	what gateway.Stopped
	err  error
}

// wait is an unload under way: it is over when none of what it named is left.
type wait struct {
	left  map[string]bool // addresses of workers and hives
	what  gateway.Stopped
	reply chan<- unloaded
}

const unloadCause = "by request"

func (q *queen) unload(u unload) {
	hives, workers, err := q.named(u.target)
	if err == nil && q.stopping != nil {
		err = fault.New(fault.Cancelled, "the queen is stopping, and all of it with her")
	}
	if err != nil {
		u.reply <- unloaded{err: err}
		return
	}
	w := wait{left: map[string]bool{}, reply: u.reply}
	for _, h := range hives {
		w.left[h.address] = true
		w.what.Nodes = append(w.what.Nodes, h.node.Name)
		for _, r := range q.Registry.List(h.node.Name) {
			w.what.Workers = append(w.what.Workers, r.GetAddress())
		}
		h.unload = &messages.Shutdown{GraceMs: u.grace.Milliseconds(), Cause: unloadCause}
		q.step(h, evStop)
	}
	on := map[string][]string{}
	for _, r := range workers {
		w.left[r.GetAddress()] = true
		w.what.Workers = append(w.what.Workers, r.GetAddress())
		on[r.GetNode()] = append(on[r.GetNode()], r.GetAddress())
	}
	for node, addresses := range on {
		q.tellHive(node, &messages.StopWorkers{Addresses: addresses, GraceMs: u.grace.Milliseconds(), Cause: unloadCause})
	}
	q.waits = append(q.waits, w)
	q.checkWaits()
}

// checkWaits answers those whose wish is fulfilled. It looks at what is there, so it may be called at any time.
func (q *queen) checkWaits() {
	q.waits = slices.DeleteFunc(q.waits, func(w wait) bool {
		for address := range w.left {
			_, worker := q.Registry.Get(address)
			if !worker && q.hives[address] == nil {
				delete(w.left, address)
			}
		}
		if len(w.left) == 0 {
			w.reply <- unloaded{what: w.what}
		}
		return len(w.left) == 0
	})
}

// named finds what a person means: a node that has a hive, a worker (its address, or its last part, with NODE/ before
// it where that is not clear), or a model as a request named it. A kind before it ("node:", "worker:", "model:") says
// which.
func (q *queen) named(target string) ([]*hive, []*messages.WorkerState, error) {
	kind, name := "", target
	for _, k := range []string{"node", "worker", "model"} {
		if rest, ok := strings.CutPrefix(target, k+":"); ok {
			kind, name = k, rest
		}
	}
	all := q.Registry.List("")
	h := q.current[name]
	if kind != "" && kind != "node" {
		h = nil
	}
	var workers, ofModel []*messages.WorkerState
	for _, r := range all {
		if kind != "model" && isWorker(r, name) {
			workers = append(workers, r)
		}
		if kind == "model" || kind == "" {
			if r.GetModelRef() == name || r.GetModelPath() == name {
				ofModel = append(ofModel, r)
			}
		}
	}
	if kind == "node" {
		workers, ofModel = nil, nil
	}
	switch kinds := b2i(h != nil) + b2i(len(workers) > 0) + b2i(len(ofModel) > 0); {
	case kinds == 0:
		return nil, nil, fault.New(fault.NotFound, "nothing that runs is called %q", target).
			WithHint("running: %s", q.running(all)).With("target", target)
	case kinds > 1:
		return nil, nil, fault.New(fault.InvalidRequest, "%q is more than one thing that runs", target).
			WithHint("say which: node:%s, worker:%s or model:%s", name, name, name).With("field", "target")
	case len(workers) > 1:
		return nil, nil, fault.New(fault.InvalidRequest, "%q is a worker of several nodes", target).
			WithHint("say which: %s/%s", workers[0].GetNode(), name).With("field", "target")
	case h != nil:
		return []*hive{h}, nil, nil
	}
	return nil, append(workers, ofModel...), nil
}

// isWorker compares with the whole address, with its last life ("worker-0.1"), and with that behind its node.
func isWorker(r *messages.WorkerState, name string) bool {
	base := transport.Base(r.GetAddress())
	return name == r.GetAddress() || name == base || name == r.GetNode()+"/"+base
}

func (q *queen) running(rows []*messages.WorkerState) string {
	var names []string
	for name := range q.current {
		names = append(names, "node "+name)
	}
	for _, r := range rows {
		names = append(names, "model "+r.GetModelRef(), "worker "+transport.Base(r.GetAddress()))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 20
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return cmp.Or(strings.Join(names, ", "), "nothing")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stopAllowance is what the levels above a worker need on top of its grace.
const stopAllowance = 5 * time.Second

// Stop implements gateway.Backend.
func (b *Backend) Stop(ctx context.Context, target string, grace time.Duration) (gateway.Stopped, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, grace+stopAllowance, fault.New(fault.Internal, "what is called %q did not end within %v", target, grace+stopAllowance).
		WithHint("rbee ps says what is left; it is still being ended"))
	defer cancel()
	reply := make(chan unloaded, 1)
	b.system.Root.Send(b.pid, unload{target, grace, reply})
	select {
	case r := <-reply:
		return r.what, r.err
	case <-ctx.Done():
		return gateway.Stopped{}, context.Cause(ctx)
	}
}
