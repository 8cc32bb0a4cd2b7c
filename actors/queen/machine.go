package queen

import "rbee/internal/fsm"

// The life of a hive, seen by its queen.
type (
	state  string
	event  string
	effect string
)

const (
	reaching  state = "reaching"  // its machine is being reached, and prepared if need be; nothing runs there yet
	abandoned state = "abandoned" // was to be stopped while it was being reached
	starting  state = "starting"  // its process runs; requests for its node wait
	serving   state = "serving"
	stopping  state = "stopping"
	lost      state = "lost" // dead or out of reach; the proof is a while coming
	gone      state = "gone"
)

const (
	evReached   event = "reached"   // its process was started
	evUnreached event = "unreached" // it was not
	evUp        event = "up"
	evStop      event = "stop"
	evLost      event = "lost"
	evDown      event = "down"
)

const (
	doCancel   effect = "cancel"  // the reaching
	doAttach   effect = "attach"  // give the process its link
	doForward  effect = "forward" // the requests that waited
	doStopLink effect = "stop-link"
	doRetire   effect = "retire" // its node is free for a new life; its workers are forgotten
	doLose     effect = "lose"   // tell everybody whose request was there
	doForget   effect = "forget"
)

var table = fsm.New(
	rule(reaching, evReached, starting, doAttach),
	rule(reaching, evUnreached, gone, doRetire, doLose, doForget),
	rule(reaching, evStop, abandoned, doCancel),

	rule(abandoned, evReached, stopping, doAttach, doStopLink),
	rule(abandoned, evUnreached, gone, doRetire, doLose, doForget),

	rule(starting, evUp, serving, doForward),
	rule(starting, evStop, stopping, doStopLink),
	rule(starting, evLost, lost, doRetire, doLose),
	rule(starting, evDown, gone, doRetire, doLose, doForget),

	rule(serving, evStop, stopping, doStopLink),
	rule(serving, evLost, lost, doRetire, doLose),
	rule(serving, evDown, gone, doRetire, doLose, doForget),

	rule(stopping, evLost, lost, doRetire, doLose),
	rule(stopping, evDown, gone, doRetire, doLose, doForget),

	// The link is told how long its proof may still take.
	rule(lost, evStop, lost, doStopLink),
	rule(lost, evDown, gone, doForget),
)

func rule(from state, on event, to state, do ...effect) fsm.Rule[state, event, effect] {
	return fsm.Rule[state, event, effect]{From: from, On: on, To: to, Do: do}
}

// Diagram prints the life cycle of a hive, as its queen sees it, as a Mermaid state diagram.
func Diagram() string { return table.Mermaid() }
