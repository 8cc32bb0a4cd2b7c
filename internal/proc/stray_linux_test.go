package proc

import (
	"sync"
	"syscall"
	"testing"

	"rbee/internal/testkit"
)

// away is a child whose own child has a session of its own, and a child there; it ends with its stdin.
const away = "setsid sh -c 'sleep 300 & echo away >&2; wait' & read x"

func TestOrphansComeHomeAndAreGoneWhenEndStraysReturns(t *testing.T) {
	for range 10 {
		c := shell(t, away)
		c.line()
		c.Stream().Close()
		c.wait()
		c.grows(2)
		if n := EndStrays(); n != 2 {
			t.Errorf("%d strays, want the orphan and the one that came home from it", n)
		}
		if left := c.alive(); len(left) > 0 {
			t.Fatalf("left: %v", left)
		}
	}
}

func TestStraysAreNotTheChildrenThatWereStarted(t *testing.T) {
	c := another(t, "echo")
	if n := EndStrays(); n != 0 {
		t.Errorf("%d strays", n)
	}
	if err := c.echoes(); err != nil {
		t.Error(err)
	}
}

// Its children that were started in another way may be somebody's.
func TestWhoIsNoSubreaperHasNoStrays(t *testing.T) {
	subreaper.Store(false)
	defer subreaper.Store(true)
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "300"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	if n := EndStrays(); n != 0 || !IdentityOf(pid).Alive() {
		t.Errorf("%d strays", n)
	}
	subreaper.Store(true)
	if n := EndStrays(); n != 1 || IdentityOf(pid).Alive() {
		t.Errorf("%d strays as a subreaper", n)
	}
}

func TestAStoppedOrphanEndsToo(t *testing.T) {
	c := shell(t, "setsid sh -c 'echo away >&2; kill -STOP $$' & read x")
	c.line()
	c.Stream().Close()
	c.wait()
	EndStrays()
	if left, err := testkit.Processes(testkit.OfRun(c.run)); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// Those who ask at once share a look, and none of them returns before what was there when it asked is gone.
func TestManyWhoAskAtOnceAllFindTheStraysGone(t *testing.T) {
	for range 5 {
		c := shell(t, away)
		c.line()
		c.Stream().Close()
		c.wait()
		c.grows(2)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				EndStrays()
				if left := c.alive(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
		all.Wait()
	}
}
