package hive

import (
	"context"
	"slices"
	"time"

	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// maxWorkers bounds the processes one hive starts, until memory decides.
const maxWorkers = 64

// againTime is when a request that comes too early is looked at again.
const againTime = 20 * time.Millisecond

// arrival is a request that came while an earlier attempt of it was still here.
type arrival struct {
	g  *messages.Generate
	to streamPID
}

// arrive takes a request into the ledger and resolves its model, which reads the disk and so happens outside.
func (h *hive) arrive(g *messages.Generate, to streamPID) {
	if to == nil {
		return
	}
	if p := h.ledger[g.GetId()]; p != nil {
		if p.GetAttempt() < g.GetAttempt() { // its worker has not said yet that it released it
			h.later(againTime, arrival{g, to})
		}
		return
	}
	p := &pending{Generate: g, to: to, arrived: time.Now(), cancel: func() {}}
	h.ledger[g.GetId()] = p
	if h.stopping != nil {
		h.settle(p, fault.New(fault.Cancelled, "the hive on %s is stopping", h.Hive.GetNode()), false)
		return
	}
	ctx, cancel := context.WithCancelCause(supervisor.WithTraceparent(context.Background(), g.GetTraceparent()))
	p.cancel = func() { cancel(nil) }
	if g.GetDisk() != nil {
		h.disk(ctx, p)
		return
	}
	if h.recalled(p) {
		cancel(nil)
		return
	}
	others := h.usage()
	go func() {
		defer cancel(nil)
		r := resolved{p: p}
		if r.devices, r.want, r.err = h.wish(ctx, g.GetLoad()); r.err == nil {
			r.found, r.err = h.obtain(ctx, cancel, r, others)
		}
		h.send(r)
	}()
}

// obtain finds the request's model, or brings it; a download that turns out too large for this node is given up.
func (h *hive) obtain(ctx context.Context, cancel context.CancelCauseFunc, r resolved, others usage) (Found, error) {
	m := r.p.GetModel()
	if r.p.GetPlanOnly() {
		return h.look(ctx, m)
	}
	found, err := h.resolve(ctx, m, func(ctx context.Context, m *messages.ModelRef) (Found, error) {
		return h.Get(ctx, m, func(f Progress) {
			if err := h.tooLarge(r.devices, m.GetRef(), f.Total, others); err != nil {
				cancel(err)
				return
			}
			h.narrate(r.p.to, "rbee-hive", "load", f.Text, f.Fraction)
		})
	})
	if f, ok := context.Cause(ctx).(*fault.Error); ok && err != nil {
		err = f
	}
	return found, err
}

func (h *hive) resolved(r resolved) {
	if h.ledger[r.p.GetId()] != r.p {
		return // cancelled meanwhile
	}
	if r.err != nil {
		f := fault.From(r.err)
		_ = f.With("node", h.Hive.GetNode())
		h.settle(r.p, f, false)
		return
	}
	h.remember(r)
	r.p.found, r.p.devices, r.p.want = r.found, r.devices, r.want
	if r.p.GetPlanOnly() {
		h.answerPlan(r.p)
		return
	}
	if !r.p.GetQuiet() {
		h.narrate(r.p.to, "rbee-hive", "model", modelText(r.found), 0)
	}
	h.enter(r.p)
	h.pump()
}

// pump places what can be placed: model by model, in the order of each one's line.
func (h *hive) pump() {
	if h.stopping != nil {
		return
	}
	for _, q := range h.linesByAge() {
		stuck := map[key]bool{}
		for _, p := range h.inLine(q) {
			switch {
			case p.waiter == nil: // meanwhile
			case stuck[p.key()]:
				h.announce(p)
			default:
				stuck[p.key()] = !h.place(p)
			}
		}
	}
}

// decide asks package place what to do with a request.
func (h *hive) decide(p *pending) (place.Decision, place.Request) {
	node := place.Node{Name: h.Hive.GetNode(), Workers: h.registry.List(h.Hive.GetNode()), HasFile: true}
	r := place.Request{Node: node.Name, Model: p.found.Path, Context: p.GetLoad().GetContext(), Default: usualContext(p.found), Threads: p.GetLoad().GetThreads(),
		Backend: p.want.Backend, Device: p.want.Device, GPULayers: p.GetLoad().GpuLayers, Worker: p.GetLoad().GetWorker(), Match: h.match(p)}
	node.Full = len(h.slots) >= maxWorkers || time.Now().Before(h.notBefore[p.key()]) || h.living(r) != nil
	node.Refuses = h.refusal(p)
	view := place.View{Nodes: []place.Node{node}, QueueLimit: queueLimit}
	if p.waiter == nil { // it is not in line yet
		view.Waiting = h.line(p.found.Path).Len()
	}
	return place.Decide(view, r), r
}

// usualContext is 0 if it is not known.
func usualContext(f Found) int64 {
	if f.Header == nil {
		return 0
	}
	return fit.DefaultContext(f.Header)
}

// match says how much of a request's prompt the workers of its model have read.
func (h *hive) match(p *pending) (m map[string]int) {
	for address, s := range h.slots {
		if n := s.known.Match(p.GetPrefix()); n > 0 && s.found.Path == p.found.Path {
			if m == nil {
				m = map[string]int{}
			}
			m[address] = n
		}
	}
	return m
}

// place returns false if the request goes on waiting.
func (h *hive) place(p *pending) bool {
	d, _ := h.decide(p)
	switch d.Do {
	case place.Use:
		h.give(p, h.slots[d.Worker.GetAddress()])
	case place.Start:
		h.start(p)
		if h.ledger[p.GetId()] != p {
			return true // it could not be started, and was told so
		}
		h.announce(p)
		return false
	case place.Reject:
		h.settle(p, d.Fault, false)
	default:
		h.announce(p)
		return false
	}
	return true
}

// living returns a worker that could take the request now or at some time: then no second one is started, since two
// workers of one model on the same cores are slower than one.
func (h *hive) living(r place.Request) *messages.WorkerState {
	for _, w := range h.registry.List(r.Node) {
		if place.Fits(w, r) && (w.GetState() == registry.Busy || w.GetState() == registry.Loading || w.GetState() == registry.Idle) {
			return w
		}
	}
	return nil
}

// announce tells a waiting request once which worker it waits for.
func (h *hive) announce(p *pending) {
	for _, s := range h.slots {
		if s.state == loading && s.key == p.key() && p.told != s {
			h.tell(p, s)
		}
	}
}

func (h *hive) tell(p *pending, s *slot) {
	p.told, s.told = s, true
	h.narrate(p.to, "rbee-hive", "start", startText(s.plan), 0)
	h.narrate(p.to, "worker", "load", "loading model", 0)
}

// waitingFor lists the requests that wait for s to load.
func (h *hive) waitingFor(s *slot) (ps []*pending) {
	for _, p := range h.inLine(h.line(s.found.Path)) {
		if p.key() == s.key {
			ps = append(ps, p)
		}
	}
	return ps
}

// give forwards a request to a worker; from now on the worker answers.
func (h *hive) give(p *pending, s *slot) {
	h.served(p)
	p.on, s.used = s, time.Now()
	s.known.Add(p.GetPrefix())
	if p.KeepAliveMs != nil {
		s.keep = p.KeepAliveMs
	}
	s.active[p.GetId()] = p
	if p.Warm = s.told && p.told != s; p.Warm && !p.GetQuiet() {
		h.narrate(p.to, "rbee-hive", "ready", "reusing "+transport.Base(s.link.Address)+", loaded already", 1)
	}
	if !s.told && !p.GetQuiet() { // it was started ahead of this request
		h.tell(p, s)
		h.narrate(p.to, "worker", "ready", readyText(s.loaded), 1)
	}
	if !p.GetQuiet() {
		h.narrate(p.to, "rbee-hive", "placed", "", 0) // the answer takes another way, and must not overtake this
	}
	h.tellSpans()
	h.root.RequestWithCustomSender(s.link.Peer, p.Generate, p.to)
	h.step(s, evTake)
}

func (h *hive) released(s *slot, m *messages.Released) {
	p := s.active[m.GetId()]
	if p == nil {
		return
	}
	delete(s.active, m.GetId())
	delete(h.ledger, m.GetId())
	h.leave(p, !p.cancelled)
	s.used = time.Now()
	s.remember(p, s.used)
	switch {
	case len(s.active) > 0:
		h.register(s)
		h.pump()
	case h.Hive.GetEphemeral() && !h.Hive.GetReuse():
		h.step(s, evSpent)
	default:
		h.step(s, evFree)
	}
}

// settle ends a request here: its stream hears why, once.
func (h *hive) settle(p *pending, f *fault.Error, retryable bool) {
	if h.ledger[p.GetId()] != p {
		return
	}
	delete(h.ledger, p.GetId())
	p.cancel() // of a download that nobody else waits for
	h.leave(p, false)
	if p.on != nil {
		delete(p.on.active, p.GetId())
	}
	h.root.Send(p.to, &messages.Failed{Id: p.GetId(), Error: messages.FromFault(f), Retryable: retryable})
}

// programFaults are the ends of a worker that was never ready which may be those of damaged files.
var programFaults = []fault.Code{fault.WorkerStartFailed, fault.WorkerCrashed, fault.EngineUnavailable}

// failWaiting gives the error of a worker that never served to those that waited for it.
func (h *hive) failWaiting(s *slot) {
	if s.err == nil {
		s.err = fault.New(fault.WorkerStartFailed, "the worker for %s on %s ended before it was ready: %s", s.found.Name, h.Hive.GetNode(), s.cause)
	}
	if s.err.Code == fault.WorkerStartFailed && s.err.Hint == "" { // it died without a word
		s.err = s.err.WithHint("its program or the engine's libraries may be damaged: rbee engine verify says so, rbee engine install puts them back")
	}
	if h.Doubt != nil && h.stopping == nil && slices.Contains(programFaults, s.err.Code) {
		h.Doubt()
	}
	for _, p := range h.waitingFor(s) {
		h.settle(p, s.err, s.died)
	}
}

// settleActive tells those that s was answering.
func (h *hive) settleActive(s *slot) {
	if len(s.active) == 0 {
		return
	}
	f := s.err
	if f == nil {
		f = fault.New(fault.Cancelled, "the worker on %s was stopped: %s", h.Hive.GetNode(), s.cause)
	}
	for _, p := range s.active {
		h.settle(p, f, s.died)
	}
}

func (h *hive) cancel(m *messages.Cancel) {
	p := h.ledger[m.GetId()]
	switch {
	case p == nil:
	case p.on != nil:
		p.cancelled = true
		p.on.link.Tell(m)
	default:
		h.settle(p, fault.New(fault.Cancelled, "%s", m.GetReason()), false)
		h.pump()
	}
}

// stalled replaces a worker that no longer makes tokens.
func (h *hive) stalled(m *messages.Stalled) {
	p := h.ledger[m.GetId()]
	if p == nil || p.on == nil {
		return
	}
	s := p.on
	h.settle(p, fault.New(fault.WorkerStalled, "the worker made no token"), true)
	s.cause = "stalled"
	h.step(s, evStall)
}
