package supervisor

import (
	"context"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/proc"
)

// far is a child on a machine that no longer answers: killing it has no effect that could be seen, and a look at what
// is left there takes for ever.
type far struct{ Process }

func (far) Exited() <-chan struct{} { return nil }

func (far) ProofTime() time.Duration { return patience }

func (far) Sweep(ctx context.Context, _, _ string) ([]proc.Found, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

type farSpawner struct{ Spawner }

func (s farSpawner) Start(ctx context.Context, c Command) (Process, error) {
	p, err := s.Spawner.Start(ctx, c)
	return far{p}, err
}

func TestAStopDoesNotWaitForAProofLongerThanItsBudget(t *testing.T) {
	t.Parallel()
	w := start(t, "killed", func(s *Spec) { s.Spawner = farSpawner{s.Spawner} })
	next[LinkLost](w) // it is dead; the proof of it would take long
	began := time.Now()
	w.stop()
	d := w.down()
	if took := time.Since(began); took < grace || took > patience/4 {
		t.Errorf("down %v after the stop, its budget is %v", took, grace)
	}
	if e := d.Ends[0]; !e.Unproven || !e.Forced {
		t.Errorf("%v counts as proven", e)
	}
}

// Who waits hears of it before the proof, and hears what it was: it did not start.
func TestAChildThatNeverCameUpIsNoLostOne(t *testing.T) {
	t.Parallel()
	w := start(t, "wrong-nonce", func(s *Spec) { s.Spawner = farSpawner{s.Spawner} })
	if m := next[LinkLost](w); fault.CodeOf(m.Err) != startFailed(w.Kind) {
		t.Errorf("%v %q", m.Err, m.Cause)
	}
	w.stop()
	w.down()

	w = start(t, "killed", func(s *Spec) { s.Spawner = farSpawner{s.Spawner} })
	if m := next[LinkLost](w); m.Err != nil {
		t.Errorf("it was up, and is told of as %v", m.Err)
	}
	w.stop()
	w.down()
}

// The machine it ran on is gone with what it knew; this one's sweep cannot see the other.
func TestWhatAChildHadOnAnotherMachineIsNotProvenGoneByASweepHere(t *testing.T) {
	t.Parallel()
	w := start(t, "parent-far")
	next[LinkUp](w)
	w.process.Signal(9)
	if d := w.down(); len(d.Ends) != 2 || !d.Ends[1].Unproven || d.Ends[0].Unproven {
		t.Errorf("%v", d.Ends)
	}
}

// distant is a child whose exit is heard of later than on this machine: its exit status has a lossy line to cross.
type distant struct {
	Process
	heard chan struct{}
}

func (d distant) Exited() <-chan struct{} { return d.heard }
func (distant) ProofTime() time.Duration  { return 2 * proofTime }

type distantSpawner struct{ Spawner }

func (s distantSpawner) Start(ctx context.Context, c Command) (Process, error) {
	p, err := s.Spawner.Start(ctx, c)
	d := distant{p, make(chan struct{})}
	if err == nil {
		go func() {
			<-p.Exited()
			time.AfterFunc(lingerTime+300*time.Millisecond, func() { close(d.heard) })
		}()
	}
	return d, err
}

func TestAChildOnAnotherMachineIsNotForcedBecauseTheNewsOfItsExitIsLate(t *testing.T) {
	t.Parallel()
	w := start(t, "good", func(s *Spec) { s.Spawner = distantSpawner{s.Spawner} })
	next[LinkUp](w)
	w.stop()
	if d := w.down(); d.Cause != "stopped" || d.Ends[0].Forced || d.Ends[0].Unproven {
		t.Errorf("%q, %v", d.Cause, d.Ends)
	}
}
