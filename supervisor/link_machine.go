package supervisor

import "rbee/internal/fsm"

// The life of a link, seen by the owner.
type (
	linkState  string
	linkEvent  string
	linkEffect string
)

const (
	starting linkState = "starting" // process started, Boot sent; no Ready yet
	unborn   linkState = "unborn"   // to be stopped before it was ready
	up       linkState = "up"
	asked    linkState = "asked"    // Shutdown sent, not acknowledged
	stopping linkState = "stopping" // acknowledged
	leaving  linkState = "leaving"  // it reported that all below it is gone; it may exit
	fading   linkState = "fading"   // first sign of a death nobody asked for
	ending   linkState = "ending"   // no way back: waiting for the kernel's word
	sweeping linkState = "sweeping" // it is gone; what it may have left is being ended
	down     linkState = "down"
)

const (
	evReady    linkEvent = "ready"    // its root takes messages
	evStop     linkEvent = "stop"     // the owner wants it stopped
	evKill     linkEvent = "kill"     // the owner wants it dead
	evAck      linkEvent = "ack"      // Stopping
	evNoAck    linkEvent = "no-ack"   // no Stopping in time
	evReport   linkEvent = "report"   // Stopped
	evOverdue  linkEvent = "overdue"  // the budget of the stop is over
	evLingers  linkEvent = "lingers"  // it reported, but does not exit
	evLost     linkEvent = "lost"     // stream over, lease over, or its root terminated
	evExit     linkEvent = "exit"     // the kernel says it ended
	evFaded    linkEvent = "faded"    // lost a while ago, and still no exit
	evHung     linkEvent = "hung"     // its mailbox does not move
	evLate     linkEvent = "late"     // not ready in time, or no handshake
	evGone     linkEvent = "gone"     // both: exit and end of the stream
	evUnproven linkEvent = "unproven" // killed long ago, and still no word of its end
	evSwept    linkEvent = "swept"
	evNews     linkEvent = "no-proof-yet" // killed a moment ago, and still no word of its end
)

const (
	doAnnounce linkEffect = "announce" // LinkUp to the owner
	doWatch    linkEffect = "sync"     // start asking whether the mailbox moves
	doShutdown linkEffect = "shutdown" // send Shutdown
	doAckTimer linkEffect = "ack-timer"
	doBudget   linkEffect = "budget-timer"
	doLinger   linkEffect = "linger-timer"
	doFade     linkEffect = "fade-timer"
	doProof    linkEffect = "proof-timer"
	doTerm     linkEffect = "TERM"  // to the process group
	doKill     linkEffect = "KILL"  // to the process group
	doClose    linkEffect = "close" // the stream: the child's permission, or order, to exit
	doTidy     linkEffect = "tidy"  // end orphans that came home
	doSweep    linkEffect = "sweep" // end everything at or below its life, by identity
	doTell     linkEffect = "lost"  // LinkLost to the owner
	doSend     linkEffect = "down"  // LinkDown to the owner
)

// linkTable is the life cycle. TERM goes only to a child that did not answer: on a healthy one it would cut off
// the stop of what is below. Which sign of a death comes first (exit, end of stream, Terminated) differs from run
// to run; "gone" is both of the first two, and the report decides the cause.
var linkTable = fsm.New(
	rule(starting, evReady, up, doAnnounce, doWatch),
	rule(starting, evStop, unborn, doBudget),
	rule(starting, evLate, ending, doKill, doClose, doProof),
	rule(starting, evLost, fading, doClose, doFade),
	rule(starting, evExit, ending, doClose, doProof),
	rule(starting, evKill, ending, doKill, doClose, doProof),

	rule(unborn, evReady, asked, doShutdown, doAckTimer),
	rule(unborn, evOverdue, ending, doKill, doClose, doProof),
	rule(unborn, evLate, ending, doKill, doClose, doProof),
	rule(unborn, evLost, fading, doClose, doFade),
	rule(unborn, evExit, ending, doClose, doProof),
	rule(unborn, evKill, ending, doKill, doClose, doProof),

	rule(up, evStop, asked, doShutdown, doAckTimer, doBudget),
	rule(up, evHung, ending, doKill, doClose, doProof),
	rule(up, evLost, fading, doClose, doFade),
	rule(up, evExit, ending, doClose, doProof),
	rule(up, evKill, ending, doKill, doClose, doProof),
	// A child that ends by itself (idle for its time) reports just as one that was asked.
	rule(up, evReport, leaving, doClose, doLinger),

	rule(asked, evAck, stopping),
	rule(asked, evNoAck, asked, doTerm),
	rule(asked, evReport, leaving, doClose, doLinger),
	rule(asked, evOverdue, ending, doKill, doClose, doProof),
	rule(asked, evLost, fading, doClose, doFade),
	rule(asked, evExit, ending, doClose, doProof),
	rule(asked, evKill, ending, doKill, doClose, doProof),

	rule(stopping, evReport, leaving, doClose, doLinger),
	rule(stopping, evOverdue, ending, doKill, doClose, doProof),
	rule(stopping, evLost, fading, doClose, doFade),
	rule(stopping, evExit, ending, doClose, doProof),
	rule(stopping, evKill, ending, doKill, doClose, doProof),

	rule(leaving, evGone, sweeping, doTidy),
	rule(leaving, evLingers, ending, doKill, doProof),
	rule(leaving, evKill, ending, doKill, doProof),

	rule(fading, evExit, ending, doProof),
	rule(fading, evFaded, ending, doKill, doProof),
	rule(fading, evOverdue, ending, doKill, doProof),
	rule(fading, evStop, fading, doBudget),
	rule(fading, evKill, ending, doKill, doProof),
	rule(fading, evGone, sweeping, doSweep),

	rule(ending, evGone, sweeping, doSweep),
	rule(ending, evUnproven, sweeping, doSweep),
	rule(ending, evKill, ending, doKill),
	rule(ending, evNews, ending, doTell),
	// Who is asked to stop must report within the budget of the stop. A proof that takes longer, of a child on a
	// machine that does not answer, is given up: the owner would be killed over it, and its report lost.
	rule(ending, evStop, ending, doBudget),
	rule(ending, evOverdue, sweeping, doSweep),

	rule(sweeping, evSwept, down, doSend),
)

func rule(from linkState, on linkEvent, to linkState, do ...linkEffect) fsm.Rule[linkState, linkEvent, linkEffect] {
	return fsm.Rule[linkState, linkEvent, linkEffect]{From: from, On: on, To: to, Do: do}
}

// Diagram prints the life cycle of a link as a Mermaid state diagram.
func Diagram() string { return linkTable.Mermaid() }
