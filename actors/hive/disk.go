package hive

import (
	"context"
	"slices"

	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
)

// DiskHooks are what a task about this node's disk needs of its hive. They may be called from any goroutine.
type DiskHooks struct {
	Say func(Progress)
	// InUse refuses if a worker of this hive has, or is about to get, one of these files.
	InUse func(model string, files []string) error
}

// diskDone is the end of such a task.
type diskDone struct {
	p    *pending
	rows [][]byte
	err  error
}

// disk does what a request wants of the disk, outside of the actor. The request is in the ledger like any other, so it
// is cancelled, lost and told of like any other.
func (h *hive) disk(ctx context.Context, p *pending) {
	hooks := DiskHooks{
		Say:   func(f Progress) { h.narrate(p.to, "rbee-hive", "load", f.Text, f.Fraction) },
		InUse: h.inUse,
	}
	go func() {
		rows, err := h.Disk(ctx, p.GetDisk(), p.GetModel(), hooks)
		h.send(diskDone{p, rows, err})
	}()
}

func (h *hive) diskDone(d diskDone) {
	h.recall = nil // of files that may be gone now
	p := d.p
	if h.ledger[p.GetId()] != p {
		return // cancelled meanwhile
	}
	if d.err != nil {
		h.settle(p, fault.From(d.err).With("node", h.Hive.GetNode()), false)
		return
	}
	delete(h.ledger, p.GetId())
	p.cancel()
	h.tellSpans()
	h.root.Send(p.to, &messages.Done{Id: p.GetId(), FinishReason: "told", Disk: &messages.DiskReport{Node: h.Hive.GetNode(), Rows: d.rows}})
}

// inUse looks at the registry, which may be read from any goroutine, at the moment of the question.
func (h *hive) inUse(model string, files []string) error {
	for _, w := range h.registry.List(h.Hive.GetNode()) {
		if slices.Contains(files, w.GetModelPath()) {
			return fault.New(fault.ModelInUse, "%s is in use: worker %s (pid %d, %s) has %s", model, transport.Base(w.GetAddress()), w.GetPid(), w.GetState(), w.GetModelPath()).
				WithHint("wait until the daemon ends it, --keep-alive after its last answer, or stop the daemon").
				With("worker", w.GetAddress()).With("pid", w.GetPid()).With("path", w.GetModelPath())
		}
	}
	return nil
}
