package hive

import (
	"testing"
	"time"
)

func TestWhatAWorkerReleasedIsRememberedUntilItsEndMustHaveArrived(t *testing.T) {
	s, at := &slot{}, time.Unix(1_700_000_000, 0)
	first, second := &pending{}, &pending{}
	s.remember(first, at)
	s.remember(second, at.Add(recentTime))
	if len(s.recent) != 2 {
		t.Fatalf("%d are remembered after %v, want both", len(s.recent), recentTime)
	}
	s.remember(&pending{}, at.Add(recentTime+time.Millisecond))
	if len(s.recent) != 2 || s.recent[0].p != second {
		t.Errorf("%d are remembered a millisecond later, want the two of the last %v", len(s.recent), recentTime)
	}
}
