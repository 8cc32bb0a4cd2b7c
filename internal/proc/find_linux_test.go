package proc

import (
	"context"
	"path/filepath"
	"testing"
)

func TestAProcessIsFoundByItsEnvironment(t *testing.T) {
	c := another(t, "echo", EnvLife+"=queen.1~hive-a.1", EnvRoot+"=7@8")
	found := Find(func(f Found) bool { return f.Run == c.run })
	if len(found) != 1 || found[0].Identity != c.Identity || found[0].Life != "queen.1~hive-a.1" || found[0].Root != "7@8" ||
		filepath.Base(found[0].Command) != filepath.Base(self()) {
		t.Errorf("%+v", found)
	}
	c.Stream().Close()
	c.wait()
	if found := Find(func(f Found) bool { return f.Run == c.run }); len(found) != 0 {
		t.Errorf("after its end: %+v", found)
	}
}

func TestEndEndsWhatMatchesAndNothingElse(t *testing.T) {
	a, b, other := another(t, "echo", EnvLife+"=queen.1"), shell(t, away), another(t, "echo", EnvLife+"=queen.10")
	b.line()
	b.grows(3)
	match := func(f Found) bool { return f.Run == a.run && Within(f.Life, "queen.1") || f.Run == b.run }
	seen, left := End(t.Context(), match)
	if len(seen) != 4 || len(left) != 0 || len(a.alive())+len(b.alive()) != 0 {
		t.Errorf("saw %v, left %v", seen, left)
	}
	if err := other.echoes(); err != nil {
		t.Errorf("another run's process: %v", err)
	}
}

func TestEndSparesWhoCallsIt(t *testing.T) {
	c := another(t, "ender")
	if got := c.line(); got != "0 0" {
		t.Errorf("%s", got)
	}
	if got := c.wait(); got != "exit status 0" {
		t.Errorf("%s", got)
	}
}

func TestEndReturnsWhatItLastSawWhenItsTimeIsOver(t *testing.T) {
	c := another(t, "echo")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	match := func(f Found) bool { return f.Run == c.run }
	if seen, left := End(ctx, match); len(seen) != 1 || len(left) != 1 || left[0].Identity != c.Identity {
		t.Errorf("saw %v, left %v", seen, left)
	}
	if got := c.wait(); got != "signal: killed" {
		t.Errorf("%s", got)
	}
}

func TestLivesArePaths(t *testing.T) {
	if Within("queen.10", "queen.1") || Within("queen.1", "queen.1~a.1") || !Within("queen.1~a.1", "queen.1") || !Within("queen.1", "queen.1") {
		t.Error("lives are mixed up")
	}
}
