package hive

import (
	"context"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/place"
	"rbee/internal/registry"
	"rbee/messages"
	"rbee/supervisor"
)

// slot is one life of a worker in this hive.
type slot struct {
	// constant
	key   key
	found Found
	plan  plan
	link  *supervisor.Link
	began time.Time
	told  bool // a request was told of its start

	state  state
	unload *messages.StopWorkers // why it is to end before its hive, if it is
	err    *fault.Error          // why it failed, once it did
	died   bool                  // err is its death: another worker may do better
	cause  string                // how it ended, once it is down
	total  int64                 // slots, as the worker itself says once it is loaded
	loaded *messages.Loaded
	active map[string]*pending
	recent []recent
	known  place.Known
	used   time.Time // last activity
	keep   *int64    // how long it stays idle, if a request said so; as Generate.keep_alive_ms
	idle   *time.Timer
	lifeOf time.Time // last sign of progress of its load
}

// row is what the registry says of it.
func (s *slot) row(node string) *messages.WorkerState {
	own := s.link.Processes()[0]
	r := &messages.WorkerState{
		Id: own.GetAddress(), Address: own.GetAddress(), Node: node, ModelRef: s.found.Ref, ModelPath: s.found.Path,
		Backend: s.plan.Device.Backend, Device: s.plan.Device.ID, State: string(s.state), LastActivityUnixNano: s.used.UnixNano(),
		SlotsTotal: s.total, SlotsAvailable: max(0, s.total-int64(len(s.active))),
		Pid: own.GetPid(), StartedUnixNano: own.GetStartedUnixNano(), Context: s.key.context, Threads: s.key.threads,
		GpuLayers: s.key.want.GPULayers, Worker: s.key.worker,
	}
	if s.loaded != nil {
		r.Backend, r.Device, r.MemoryBytes = s.loaded.GetBackend(), s.loaded.GetDevice(), s.loaded.GetMemoryBytes()
	}
	if s.err != nil {
		r.Reason = s.err.Message
	}
	switch s.state {
	case spent:
		r.State = registry.Draining
	case gone:
		r.State = registry.Failed
	}
	return r
}

// pending is one request in this hive, from its arrival to the moment its reply stream heard of its end.
type pending struct {
	*messages.Generate
	to      streamPID
	found   Found
	devices []engine.Device // of the node, when the model was resolved
	want    fit.Want        // settled
	arrived time.Time
	cancel  context.CancelFunc // of its resolving
	on      *slot              // nil while it waits
	told    *slot              // the worker whose start it was told of

	waiter *place.Waiter // while it is in line
	place  told          // in line, as it was told

	turn      *place.Turn // since a worker has it
	taken     time.Time
	cancelled bool // somebody asked for its end
}

func (p *pending) key() key {
	return keyOf(p.found, p.GetLoad(), p.want)
}
