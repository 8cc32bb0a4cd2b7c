package supervisor

import (
	"syscall"
	"testing"
	"time"

	"rbee/internal/proc"
	"rbee/internal/testkit"
)

func TestWhatAChildReportsOfThoseBelowItIsPassedOn(t *testing.T) {
	t.Parallel()
	w := start(t, "reporter")
	next[LinkUp](w)
	w.stop()
	if d := w.down(); len(d.Ends) != 2 || d.Ends[1].Name != "grandchild" || d.Ends[1].Cause != "stopped" || d.Ends[1].Forced {
		t.Errorf("%v", d.Ends)
	}
}

func TestWhatWasBelowAChildThatDiedWithoutAWordEndedWithIt(t *testing.T) {
	t.Parallel()
	w := start(t, "parent")
	next[LinkUp](w)
	if p := w.Processes(); len(p) != 2 || p[1].Name != "grandchild" {
		t.Fatalf("%v", p)
	}
	w.process.Signal(syscall.SIGKILL)
	if d := w.down(); len(d.Ends) != 2 || d.Ends[1].Cause != "ended with its "+w.Program || !d.Ends[1].Forced || d.Ends[1].Unproven {
		t.Errorf("%v", d.Ends)
	}
}

func TestAGrandchildInASessionOfItsOwnDoesNotSurvive(t *testing.T) {
	for how, end := range map[string]func(*watched){
		"stopped": func(w *watched) { w.stop() },
		"killed":  func(w *watched) { w.process.Signal(syscall.SIGKILL) },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := start(t, "grandchild")
			next[LinkUp](w)
			if found, err := testkit.Processes(testkit.OfRun(w.Run)); err != nil || len(found) != 2 {
				t.Fatalf("%v, %v: want the child and its own", found, err)
			}
			end(w)
			if d := w.down(); d.Ends[0].Forced || d.Asked != (how == "stopped") {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestAChildDoesNotOutliveItsOwner(t *testing.T) {
	for _, c := range []struct {
		name, child string
		signal      syscall.Signal
	}{
		{"killed", "good", syscall.SIGKILL}, {"frozen", "good", syscall.SIGSTOP},
		{"killed, and the child is deaf", "deaf", syscall.SIGKILL},
		{"killed, and the child is frozen", "frozen", syscall.SIGKILL},
		{"frozen, with a grandchild away from home", "grandchild", syscall.SIGSTOP},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := NewRun()
			s := spec("queen.1", run, "owner")
			path, err := Beside(s.Program)
			if err != nil {
				t.Fatal(err)
			}
			owner, err := proc.Start(proc.Command{Path: path, Args: []string{c.child}, Env: append(s.Env, proc.EnvRun+"="+run), OwnerDeath: syscall.SIGKILL})
			if err != nil {
				t.Fatal(err)
			}
			up, silent := make(chan bool, 1), make(chan bool)
			go func() {
				defer close(silent)
				proc.EachLine(owner.Stderr(), func(line string) {
					if line == "up" {
						up <- true
					}
				})
			}()
			defer func() {
				owner.Signal(syscall.SIGKILL)
				<-owner.Exited()
				owner.Release()
				<-silent
				owner.Stderr().Close()
			}()
			select {
			case <-up:
			case <-time.After(patience):
				t.Fatal("the child did not come up")
			}
			owner.Signal(c.signal)
			below := func(p testkit.Process) bool { return p.Run == run && p.Life != "" }
			left, err := testkit.WaitGone(patience/4, below)
			if err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}
