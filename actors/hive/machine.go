package hive

import "rbee/internal/fsm"

// The life of a worker, seen by its hive. The registry shows spent as draining.
type (
	state  string
	event  string
	effect string
)

const (
	loading  state = "loading"
	idle     state = "idle"
	busy     state = "busy"
	spent    state = "spent"    // did its one task; ends with its hive
	draining state = "draining" // was asked to stop; takes nothing new
	failed   state = "failed"   // its model did not load; being stopped
	gone     state = "gone"
)

const (
	evLoaded event = "loaded"
	evFailed event = "load-failed"
	evStuck  event = "stuck" // no progress of the load for too long
	evTake   event = "take"  // a request was given to it
	evFree   event = "free"  // its last request was released
	evSpent  event = "spent" // its last request was released, and it is not to be used again
	evIdle   event = "too-idle"
	evStall  event = "stall"  // a request makes no progress: the worker is not to be trusted
	evUnload event = "unload" // somebody asked for this worker's end
	evStop   event = "stop"   // the hive stops
	evDown   event = "down"   // its link says it is gone
)

const (
	doArmIdle  effect = "idle-timer"
	doStopLink effect = "stop-link"
	doKillLink effect = "kill-link"
	doPump     effect = "pump"         // look at the waiting requests again
	doFailOwn  effect = "fail-waiting" // those that wait for this worker's model get its error
	doSettle   effect = "settle"       // those it was answering get WORKER_CRASHED
	doRemove   effect = "remove"       // from the registry
)

var table = fsm.New(
	rule(loading, evLoaded, idle, doArmIdle, doPump),
	rule(loading, evFailed, failed, doFailOwn, doStopLink),
	rule(loading, evStuck, failed, doFailOwn, doKillLink),
	rule(loading, evUnload, draining, doFailOwn, doStopLink),
	rule(loading, evStop, draining, doStopLink),
	rule(loading, evDown, gone, doFailOwn, doRemove, doPump),

	rule(idle, evTake, busy),
	rule(idle, evIdle, draining, doStopLink),
	rule(idle, evUnload, draining, doStopLink),
	rule(idle, evStop, draining, doStopLink),
	rule(idle, evDown, gone, doRemove, doPump),

	rule(busy, evTake, busy),
	rule(busy, evFree, idle, doArmIdle, doPump),
	rule(busy, evSpent, spent, doPump),
	rule(busy, evStall, draining, doKillLink),
	rule(busy, evUnload, draining, doStopLink),
	rule(busy, evStop, draining, doStopLink),
	rule(busy, evDown, gone, doSettle, doRemove, doPump),

	rule(spent, evUnload, draining, doStopLink),
	rule(spent, evStop, draining, doStopLink),
	rule(spent, evDown, gone, doRemove, doPump),

	rule(draining, evStall, draining, doKillLink),
	rule(draining, evDown, gone, doSettle, doRemove, doPump),
	rule(failed, evDown, gone, doRemove, doPump),
)

func rule(from state, on event, to state, do ...effect) fsm.Rule[state, event, effect] {
	return fsm.Rule[state, event, effect]{From: from, On: on, To: to, Do: do}
}

// Diagram prints the life cycle of a worker, as its hive sees it, as a Mermaid state diagram.
func Diagram() string { return table.Mermaid() }
