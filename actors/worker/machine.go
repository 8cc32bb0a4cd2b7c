package worker

import "rbee/internal/fsm"

// The life of a worker, seen by itself.
type (
	state  string
	event  string
	effect string
)

const (
	loading  state = "loading"
	idle     state = "idle"
	busy     state = "busy"
	failed   state = "failed"   // the model did not load; kept until the hive says stop
	draining state = "draining" // every request was cancelled; waiting for the engine to let go
	stopped  state = "stopped"
)

const (
	evLoaded event = "loaded"
	evFailed event = "load-failed"
	evTake   event = "take"  // a request begins
	evFree   event = "free"  // the last request ended
	evStop   event = "stop"  // Shutdown, or SIGTERM
	evQuiet  event = "quiet" // neither a load nor a request runs in the engine
)

const (
	doTellLoaded effect = "tell-loaded"
	doTellFailed effect = "tell-failed"
	doAck        effect = "ack"    // Stopping
	doCancel     effect = "cancel" // the load and all requests
	doReport     effect = "report" // Stopped
)

var table = fsm.New(
	rule(loading, evLoaded, idle, doTellLoaded),
	rule(loading, evFailed, failed, doTellFailed),
	rule(loading, evStop, draining, doAck, doCancel),
	rule(idle, evTake, busy),
	rule(idle, evStop, draining, doAck, doCancel),
	rule(busy, evTake, busy),
	rule(busy, evFree, idle),
	rule(busy, evStop, draining, doAck, doCancel),
	rule(failed, evStop, draining, doAck, doCancel),
	rule(draining, evQuiet, stopped, doReport),
)

func rule(from state, on event, to state, do ...effect) fsm.Rule[state, event, effect] {
	return fsm.Rule[state, event, effect]{From: from, On: on, To: to, Do: do}
}

// Diagram prints the life cycle of a worker as a Mermaid state diagram.
func Diagram() string { return table.Mermaid() }
