package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"rbee/internal/proc"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/messages"
)

// linkActor turns what happens into events of linkTable and carries out its effects.
type linkActor struct {
	*Link
	owner *actor.PID
	state linkState

	session *transport.Session // nil until the handshake is done
	timers  []*time.Timer
	over    chan struct{} // closed with the link

	// The stop.
	stop     StopLink
	stopSpan trace.Span
	since    time.Time // of the stop, or of the first sign of death
	cause    string    // the first one counts
	forced   bool
	exited   bool
	closed   bool
	unproven bool
	hurried  bool // the stop's time is over: no proof is waited for
	report   *messages.Stopped
	left     []proc.Found
	unswept  error // the sweep could not look
	wasUp    bool

	// Is its mailbox moving?
	syncSent, syncSeen int64
	syncAt             time.Time // of the last answer

	// Was this process itself suspended (Ctrl-Z), for so long that the child gave it up?
	tickAt    time.Time
	suspended time.Duration
}

// What the link's own goroutines and timers say.
type (
	greeted struct{}            // the handshake is over, well or not
	event   struct{ linkEvent } // a sign of death, a timer
	tick    struct{}            // time for a Sync
	swept   struct {
		left []proc.Found
		err  error
	}
)

func (a *linkActor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		a.begin(c)
	case greeted:
		a.greeted(c)
	case event:
		a.on(c, m.linkEvent)
	case swept:
		a.left, a.unswept = m.left, m.err
		a.step(c, evSwept)
	case tick:
		a.tick(c)
	case StopLink:
		if a.stop == (StopLink{}) {
			a.stop = m
		}
		if a.since.IsZero() {
			a.since = time.Now()
			_, a.stopSpan = a.Tracer.Start(WithTraceparent(context.Background(), m.Traceparent), "stop "+a.Kind,
				trace.WithAttributes(telemetry.AttrProcess.String(a.Program), telemetry.AttrAddress.String(a.Address)))
		}
		a.step(c, evStop)
	case KillLink:
		a.blame("killed: " + m.Cause)
		a.step(c, evKill)
	case *actor.Terminated:
		a.on(c, evLost)
	case *messages.Ready:
		a.step(c, evReady)
	case *messages.Stopping:
		a.step(c, evAck)
	case *messages.Stopped:
		a.report = m
		m.Processes = Claims(a.Address, m.GetProcesses())
		a.spans(m.GetSpans())
		a.step(c, evReport)
	case *messages.SyncReply:
		a.syncSeen, a.syncAt = m.GetNumber(), time.Now()
	case *messages.Spans:
		a.spans(m.GetOtlp())
	case *messages.Inventory:
		b := Claims(a.Address, m.GetProcesses())
		a.below.Store(&b)
		c.Send(a.owner, Below{a.Link})
	case proto.Message:
		if a.state != down && isOurs(m) {
			c.Send(a.owner, FromChild{a.Link, m})
		}
	}
}

// isOurs: system messages of the actor library are protobuf messages too.
func isOurs(m proto.Message) bool {
	return m.ProtoReflect().Descriptor().ParentFile().Package() == "rbee.v1"
}

func (a *linkActor) begin(c actor.Context) {
	self, root := c.Self(), c.ActorSystem().Root
	a.over = make(chan struct{})
	go func() {
		select {
		case <-a.process.Exited():
			root.Send(self, event{evExit})
		case <-a.over: // nobody ever saw it end
		}
	}()
	go func() { <-a.hello; root.Send(self, greeted{}) }()
	a.after(c, a.Start-time.Since(a.began), evLate)
}

// greeted joins the child's stream to the router, from where on the child can be spoken to.
func (a *linkActor) greeted(c actor.Context) {
	if a.err == nil && a.session == nil {
		a.session, a.err = a.ep.AttachDown(a.Address, a.process.Stream(), a.Lease)
	}
	if a.err != nil {
		a.noHandshake(c)
		return
	}
	if a.state == ending || a.state == sweeping || a.state == down {
		go a.session.Close()
	}
	self, root, closed := c.Self(), c.ActorSystem().Root, a.session.Closed()
	go func() { <-closed; root.Send(self, event{evLost}) }()
	close(a.joined)
	c.Watch(a.Peer) // at the beginning, never at the stop: remotely a Stop overtakes a Watch
	c.Send(a.owner, Below{a.Link})
}

// noHandshake: whoever ended before it spoke is explained by its exit, which follows the end of its stream at once.
func (a *linkActor) noHandshake(c actor.Context) {
	switch {
	case errors.Is(a.err, os.ErrClosed): // by the guard
		a.blame(fmt.Sprintf("killed: no handshake within %v", min(a.Start, a.Lease)))
		a.step(c, evLate)
	case errors.Is(a.err, io.EOF), errors.Is(a.err, io.ErrUnexpectedEOF), errors.Is(a.err, syscall.EPIPE):
		a.on(c, evLost)
	default:
		a.blame("killed: wrong handshake")
		a.step(c, evLate)
	}
}

// on notes a sign before the table sees it.
func (a *linkActor) on(c actor.Context, e linkEvent) {
	switch e {
	case evExit:
		a.exited = true
		a.blame(a.ended())
	case evLost:
		if a.session != nil {
			select {
			case <-a.session.Closed():
				a.closed = true
			default:
			}
		}
		if a.state != fading {
			a.blame("")
		}
	case evFaded:
		if a.session == nil {
			a.blame("killed: it closed its stream before the handshake")
		}
		if a.look(); a.suspended > 0 { // its exit may be seen a moment later than the end of its stream
			a.blame(a.wasSuspended())
		}
		a.blame("killed: link lost" + a.silence())
	case evHung:
		a.blame(fmt.Sprintf("killed: no answer for %v", a.Lease))
	case evOverdue:
		if a.state == leaving || a.state == sweeping || a.state == down {
			return
		}
		a.hurried = a.state == ending
		a.unproven = a.unproven || a.hurried
		a.blame(fmt.Sprintf("killed: not gone %v after it was asked to stop", a.budget()))
	case evLate:
		if a.state == starting || a.state == unborn {
			a.blame(fmt.Sprintf("killed: not ready after %v", a.Start))
		}
	case evLingers:
		a.blame("killed: did not exit after it had stopped")
	case evUnproven:
		a.unproven = true
	}
	a.step(c, e)
	if a.exited && (a.closed || a.session == nil) {
		a.step(c, evGone)
	}
}

// ended explains an exit.
func (a *linkActor) ended() string {
	a.look()
	if cause := a.process.Cause(); a.suspended == 0 || cause != "exit status 1" { // which is Live's, for an owner that is gone
		return "exited: " + cause
	}
	return a.wasSuspended()
}

func (a *linkActor) wasSuspended() string {
	return fmt.Sprintf("its owner was suspended for %v, and the lease is %v", a.suspended.Round(100*time.Millisecond), a.Lease)
}

// look compares the clock with the last tick. Ticks are due every third of a lease, and a peer gives up after two
// thirds at the earliest.
func (a *linkActor) look() {
	if late := time.Since(a.tickAt); !a.tickAt.IsZero() && late > a.Lease/2 {
		a.suspended = late
	}
}

// silence says that the lease was over, if it was: a link can also be cut off from one moment to the next.
func (a *linkActor) silence() string {
	if time.Since(a.syncAt) < a.Lease/2 { // it is asked every third of a lease
		return ""
	}
	return fmt.Sprintf(" (no sign of life for %v)", a.Lease)
}

// blame keeps the first cause; "" only notes the time of the first sign.
func (a *linkActor) blame(cause string) {
	if a.since.IsZero() {
		a.since = time.Now()
	}
	if a.cause == "" {
		a.cause = cause
	}
}

func (a *linkActor) step(c actor.Context, e linkEvent) {
	next, effects, ok := linkTable.Step(a.state, e)
	if !ok {
		return
	}
	a.state = next
	for _, do := range effects {
		a.do(c, do)
	}
}

func (a *linkActor) do(c actor.Context, e linkEffect) {
	switch e {
	case doAnnounce:
		a.wasUp = true
		a.span.SetAttributes(telemetry.AttrChildPID.Int64(a.peer.Pid))
		a.span.End()
		c.Send(a.owner, LinkUp{a.Link})
	case doWatch:
		a.syncAt = time.Now()
		a.tick(c)
	case doShutdown:
		c.Send(a.Peer, &messages.Shutdown{GraceMs: a.stop.Grace.Milliseconds(), Cause: a.stop.Cause,
			Traceparent: Traceparent(trace.ContextWithSpan(context.Background(), a.stopSpan))})
	case doAckTimer:
		a.after(c, min(time.Second, a.budget()/2), evNoAck)
	case doBudget:
		a.after(c, a.budget(), evOverdue)
	case doLinger:
		a.after(c, a.linger(), evLingers)
	case doFade:
		a.after(c, fadeTime, evFaded)
	case doProof:
		a.after(c, a.process.ProofTime(), evUnproven)
		a.after(c, newsTime, evNews)
	case doTerm:
		a.process.Signal(syscall.SIGTERM)
	case doKill:
		if !a.exited {
			a.forced = true
			a.process.Signal(syscall.SIGKILL)
		}
	case doClose:
		if a.session != nil {
			go a.session.Close()
		} else {
			go a.process.Stream().Close()
		}
	case doTidy:
		a.process.Tidy()
		a.step(c, evSwept)
	case doSweep:
		limit := a.process.ProofTime()
		if a.hurried {
			limit = lastLook
		}
		self, root := c.Self(), c.ActorSystem().Root
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			left, err := a.process.Sweep(ctx, a.Run, a.Address)
			root.Send(self, swept{left, err})
		}()
	case doTell:
		lost := LinkLost{Link: a.Link, Cause: a.cause}
		if !a.wasUp {
			lost.Err = a.failure(a.cause)
		}
		c.Send(a.owner, lost)
	case doSend:
		a.end(c)
	}
}

// budget is how long a stop may take: the worker's grace, and an allowance for each level.
func (a *linkActor) budget() time.Duration {
	return a.stop.Grace + time.Duration(a.Levels)*Allowance
}

// linger is how long a child that reported "stopped" may take to exit. From a machine whose line loses packets the news
// takes longer; but the stop's own budget holds, since this side has an owner who waits as well.
func (a *linkActor) linger() time.Duration {
	if far := a.process.ProofTime(); far > proofTime {
		return max(lingerTime, min(far/2, a.budget()))
	}
	return lingerTime
}

func (a *linkActor) tick(c actor.Context) {
	if a.state != up {
		return
	}
	a.look()
	a.tickAt = time.Now()
	if a.syncSeen < a.syncSent && time.Since(a.syncAt) > a.Lease {
		a.on(c, evHung)
		return
	}
	a.syncSent++
	c.Send(a.Peer, &messages.Sync{Number: a.syncSent})
	a.send(c, a.Lease/3, tick{})
}

func (a *linkActor) after(c actor.Context, d time.Duration, e linkEvent) { a.send(c, d, event{e}) }

func (a *linkActor) send(c actor.Context, d time.Duration, m any) {
	self, root := c.Self(), c.ActorSystem().Root
	a.timers = append(a.timers[max(0, len(a.timers)-8):], time.AfterFunc(d, func() { root.Send(self, m) }))
}

func (a *linkActor) spans(otlp []byte) {
	if len(otlp) > 0 && a.Spans != nil {
		a.Spans(otlp)
	}
}

// end tells the owner, frees everything, and stops the actor.
func (a *linkActor) end(c actor.Context) {
	close(a.over)
	for _, t := range a.timers {
		t.Stop()
	}
	a.process.Release()
	if a.report != nil && !a.forced {
		a.cause = "stopped" // the signs of death that followed were asked for
	}
	d := LinkDown{Link: a.Link, Cause: a.cause, Asked: a.report != nil && !a.forced, Ends: a.ends()}
	if !a.wasUp {
		a.logs.Wait() // its last words explain it; Release bounds the wait
		d.Err = a.failure(a.cause)
		a.span.SetStatus(codes.Error, d.Err.Error())
		a.span.End()
	}
	if a.stopSpan != nil {
		a.stopSpan.SetAttributes(telemetry.AttrCause.String(a.cause), telemetry.AttrForced.Bool(a.forced),
			telemetry.AttrUnproven.Bool(a.isUnproven()), telemetry.AttrGrace.Int64(a.stop.Grace.Milliseconds()),
			telemetry.AttrGraceUsed.Int64(time.Since(a.since).Milliseconds()), telemetry.AttrStoppedMany.Int(len(d.Ends)))
		a.stopSpan.End()
	}
	c.Send(a.owner, d)
	c.Stop(c.Self())
}

// isUnproven: nobody saw it end, neither the kernel nor a sweep that looked for it.
func (a *linkActor) isUnproven() bool {
	return a.unproven && !a.exited && (a.unswept != nil || len(a.left) > 0)
}

// ends is the report: the child's own end as this side saw it, and the ends below it, as the child reported them
// or, if it could not, as the sweep found them.
func (a *linkActor) ends() []*messages.ProcessEnd {
	all := a.Processes()
	own := all[0]
	own.Cause, own.Forced, own.Unproven = a.cause, a.forced, a.isUnproven()
	own.TookUs = time.Since(a.since).Microseconds()
	if a.report != nil {
		return append(all[:1:1], a.report.GetProcesses()...)
	}
	for i, e := range all[1:] {
		e = proto.Clone(e).(*messages.ProcessEnd)
		// A sweep looks at one machine. What the child had on others ends with it as well, but nobody here saw that.
		e.Cause, e.Forced, e.TookUs, e.Unproven = "ended with its "+a.Program, true, own.TookUs, a.unswept != nil || e.GetHost() != own.GetHost()
		for _, f := range a.left {
			e.Unproven = e.Unproven || int64(f.PID) == e.Pid
		}
		all[i+1] = e
	}
	for _, f := range a.left { // what nobody had told of
		if int64(f.PID) != own.Pid && f.Life == a.Address {
			all = append(all, &messages.ProcessEnd{Address: f.Life, Name: proc.Clean(f.Command), Pid: int64(f.PID), Host: own.Host,
				Cause: "survived SIGKILL", Forced: true, Unproven: true})
		}
	}
	return all
}
