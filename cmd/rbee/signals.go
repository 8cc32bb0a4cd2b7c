package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interrupts counts the signals that ask a command to end: the first asks it to end in order, the second at once.
type interrupts struct {
	first chan struct{}
	again chan struct{}

	signal atomic.Int32 // the first one's number
	in     chan os.Signal
	over   chan struct{}
}

// watchSignals takes over HUP, INT and TERM, except those the command was started to ignore (nohup, a shell's
// background job). It also takes SIGPIPE, which otherwise ends the process in the middle of a write to a closed
// stdout, with all its children still running; taken, it is an error of that write. (Taken, not ignored: children
// would inherit that.)
func watchSignals() *interrupts {
	i := &interrupts{
		first: make(chan struct{}),
		again: make(chan struct{}),
		in:    make(chan os.Signal, 4),
		over:  make(chan struct{}),
	}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(i.in, s)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go i.watch()
	return i
}

func (i *interrupts) watch() {
	for seen := 0; seen < 2; seen++ {
		select {
		case s := <-i.in:
			if seen == 0 {
				if n, ok := s.(syscall.Signal); ok {
					i.signal.Store(int32(n))
				}
				close(i.first)
			} else {
				close(i.again)
			}
		case <-i.over:
			return
		}
	}
}

// close ends the watch; the signals do again what they do by default.
func (i *interrupts) close() {
	signal.Stop(i.in)
	close(i.over)
}

// exitCode is 128 + the first signal, or 0 if there was none.
func (i *interrupts) exitCode() int {
	if n := i.signal.Load(); n != 0 {
		return 128 + int(n)
	}
	return 0
}

// cause names the first signal, "" if there was none.
func (i *interrupts) cause() string {
	switch syscall.Signal(i.signal.Load()) {
	case syscall.SIGHUP:
		return "hang-up"
	case syscall.SIGINT:
		return "interrupt"
	case syscall.SIGTERM:
		return "terminate"
	}
	return ""
}
