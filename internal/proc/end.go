package proc

import (
	"context"
	"strings"
	"syscall"
	"time"
)

// Within says whether life is root or lies below it. Lives are paths: queen.1~hive-a.1~worker-0.1
func Within(life, root string) bool {
	return life == root || strings.HasPrefix(life, root+"~")
}

// End kills the processes that match with SIGKILL, by identity, and repeats it until none is alive or ctx is done.
// It returns those that it saw, and those still alive at the end (say, in uninterruptible sleep). This process is
// never among them.
func End(ctx context.Context, match func(Found) bool) (seen, left []Found) {
	self := Self().PID
	known := map[Identity]bool{}
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		left = Find(func(f Found) bool { return f.PID != self && match(f) })
		for _, f := range left {
			if !known[f.Identity] {
				known[f.Identity] = true
				seen = append(seen, f)
			}
			if f.Alive() {
				_ = syscall.Kill(f.PID, syscall.SIGKILL)
			}
		}
		EndStrays() // what was ours to reap would otherwise stay a zombie
		if len(left) == 0 {
			return seen, nil
		}
		select {
		case <-ctx.Done():
			return seen, left
		case <-time.After(wait):
		}
	}
}
