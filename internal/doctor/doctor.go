// Package doctor finds what dead runs have left behind on this machine, and ends it.
//
// Every process of a run carries three variables in the environment it was started with: the run, its own address
// in the tree, and the identity (pid and start time) of the run's root on this machine. A process whose root no
// longer lives is a leftover. Nothing is found, or ended, by name. Only processes of the calling user are seen.
package doctor

import (
	"context"
	"fmt"
	"io"
	"time"

	"rbee/internal/proc"
)

// endTime is how long KILL is repeated before a process counts as one that will not die.
const endTime = 2 * time.Second

// orphaned says whether a process's run has no root any more. What does not say who its root is was not started
// by a root on this machine, and is left to its own lease. So is what lives in a container: the pid of its root is
// the container's, and whether that lives can be told in there only.
func orphaned(f proc.Found) bool {
	root, err := proc.ParseIdentity(f.Root)
	return err == nil && !f.Contained && !root.Alive()
}

// Run writes what is left to out and, with fix, ends it. It returns how many processes are (still) left.
func Run(ctx context.Context, out io.Writer, fix bool) (left int, err error) {
	return run(ctx, out, fix, orphaned)
}

func run(ctx context.Context, out io.Writer, fix bool, match func(proc.Found) bool) (left int, err error) {
	found := proc.Find(match)
	if len(found) == 0 {
		_, err = fmt.Fprintln(out, "nothing is left of any dead run")
		return 0, err
	}
	for _, f := range found {
		if _, err := fmt.Fprintf(out, "pid %d  %s  run %s  %s\n", f.PID, proc.Clean(f.Command), proc.Clean(f.Run), proc.Clean(f.Life)); err != nil {
			return len(found), err
		}
	}
	if !fix {
		_, err = fmt.Fprintf(out, "%d left; rbee doctor --fix ends them\n", len(found))
		return len(found), err
	}
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	seen, survived := proc.End(ctx, match)
	for _, f := range survived {
		fmt.Fprintf(out, "pid %d survived SIGKILL for %v; it may be in uninterruptible sleep\n", f.PID, endTime)
	}
	_, err = fmt.Fprintf(out, "%d ended, %d left\n", len(seen)-len(survived), len(survived))
	return len(survived), err
}
