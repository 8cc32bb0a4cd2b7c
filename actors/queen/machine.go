package queen

import "rbee/internal/fsm"

// The life of a hive, seen by its queen.
type (
	state  string
	event  string
	effect string
)

const (
	starting state = "starting" // requests for its node wait
	serving  state = "serving"
	stopping state = "stopping"
	gone     state = "gone"
)

const (
	evUp   event = "up"
	evStop event = "stop"
	evDown event = "down"
)

const (
	doForward  effect = "forward" // the requests that waited
	doStopLink effect = "stop-link"
	doLose     effect = "lose"   // tell everybody whose request was there
	doForget   effect = "forget" // its workers
)

var table = fsm.New(
	rule(starting, evUp, serving, doForward),
	rule(starting, evStop, stopping, doStopLink),
	rule(starting, evDown, gone, doForget, doLose),
	rule(serving, evStop, stopping, doStopLink),
	rule(serving, evDown, gone, doForget, doLose),
	rule(stopping, evDown, gone, doForget, doLose),
)

func rule(from state, on event, to state, do ...effect) fsm.Rule[state, event, effect] {
	return fsm.Rule[state, event, effect]{From: from, On: on, To: to, Do: do}
}

// Diagram prints the life cycle of a hive, as its queen sees it, as a Mermaid state diagram.
func Diagram() string { return table.Mermaid() }
