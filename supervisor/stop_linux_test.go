package supervisor

import (
	"syscall"
	"testing"
	"time"
)

func TestOnlyAChildThatDidNotAnswerGetsTERM(t *testing.T) {
	t.Parallel()
	w := start(t, "silent")
	next[LinkUp](w)
	w.stop()
	if d := w.down(); !d.Ends[0].Forced || len(w.LastWords()) > 0 {
		t.Errorf("%v, and it says %q", d.Ends[0], w.LastWords())
	}
}

func TestAChildThatEndsByItselfInGoodOrderIsNoFailure(t *testing.T) {
	t.Parallel()
	w := start(t, "leaves")
	next[LinkUp](w)
	if d := w.down(); !d.Asked || d.Cause != "stopped" || d.Ends[0].Forced {
		t.Errorf("%+v", d)
	}
}

func TestAStopBeforeReadyIsKeptUntilReady(t *testing.T) {
	t.Parallel()
	w := start(t, "slow", func(s *Spec) { s.Lease = 10 * time.Second })
	w.says("waiting")
	w.tell(StopLink{Grace: patience, Cause: "test"})
	w.process.Signal(syscall.SIGUSR1)
	if d := w.down(); !d.Asked || d.Cause != "stopped" || d.Ends[0].Forced {
		t.Errorf("%+v", d)
	}
}

func TestAStopBeforeReadyIsOverWhenItsBudgetIs(t *testing.T) {
	t.Parallel()
	w := start(t, "slow", func(s *Spec) { s.Lease = 10 * time.Second })
	w.says("waiting")
	w.stop()
	if d := w.down(); d.Asked || d.Cause != "killed: not gone 1s after it was asked to stop" || !d.Ends[0].Forced || d.Err == nil {
		t.Errorf("%+v", d)
	}
}

func TestEachLevelBelowAddsItsAllowanceToTheBudget(t *testing.T) {
	t.Parallel()
	w := start(t, "deaf", func(s *Spec) { s.Levels = 2 })
	next[LinkUp](w)
	w.stop()
	if d := w.down(); d.Cause != "killed: not gone 2s after it was asked to stop" {
		t.Errorf("%q", d.Cause)
	}
}

func TestKillEndsAStopThatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := start(t, "deaf")
	next[LinkUp](w)
	w.tell(StopLink{Grace: time.Hour, Cause: "test"})
	w.tell(KillLink{"second signal"})
	if d := w.down(); d.Cause != "killed: second signal" || !d.Ends[0].Forced || d.Asked {
		t.Errorf("%+v", d)
	}
}

type counted struct {
	Process
	signals int
}

func (c *counted) Signal(syscall.Signal) { c.signals++ }

func TestNobodyIsKilledWhoseExitWasSeen(t *testing.T) {
	c := &counted{}
	a := &linkActor{Link: &Link{Launched: &Launched{process: c}}}
	if a.do(nil, doKill); c.signals != 1 || !a.forced {
		t.Errorf("%d signals, forced %v, while it lives", c.signals, a.forced)
	}
	a.exited, a.forced = true, false
	if a.do(nil, doKill); c.signals != 1 || a.forced {
		t.Errorf("%d signals, forced %v, after its exit", c.signals, a.forced)
	}
}
