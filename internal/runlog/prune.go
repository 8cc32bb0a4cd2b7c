package runlog

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// What is kept of the runs that wrote a log.
const (
	keepRuns = 200
	lowRuns  = 150 // what is left when there were more: so that not every run has one to remove
	keepTime = 30 * 24 * time.Hour
	// youngest is what a run has between the making of its folder and the lock on it.
	youngest = time.Minute
)

// Prune removes the folders of old runs below logs: those that are 30 days old (by their newest file's beginning), and
// the oldest if there are more than 200. The folder of a run that lives is locked and is left, however old. It costs
// one look at each folder, about a millisecond; who calls it is in no hurry.
func Prune(logs string) { prune(logs, time.Now()) }

func prune(logs string, now time.Time) {
	entries, err := os.ReadDir(logs)
	if err != nil {
		return
	}
	type run struct {
		path string
		last time.Time
	}
	var runs []run
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() {
			runs = append(runs, run{filepath.Join(logs, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return a.last.Compare(b.last) })
	surplus := 0
	if len(runs) > keepRuns {
		surplus = len(runs) - lowRuns
	}
	for i, r := range runs {
		age := now.Sub(r.last)
		if age < youngest || i >= surplus && age < keepTime {
			return // and so are all that follow
		}
		removeDead(r.path)
	}
}

// removeDead removes a run's folder unless a process of that run holds it.
func removeDead(path string) {
	f, err := hold(path, syscall.LOCK_EX)
	if err != nil {
		return
	}
	defer f.Close()
	_ = os.RemoveAll(path)
}

// hold locks a folder, without waiting. The lock goes with the descriptor, and so with the process.
func hold(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
