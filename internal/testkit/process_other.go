//go:build !linux

package testkit

import (
	"errors"
	"time"
)

// Processes needs /proc.
func Processes(func(Process) bool) ([]Process, error) { return nil, errors.ErrUnsupported }

// WaitGone needs /proc.
func WaitGone(time.Duration, func(Process) bool) ([]Process, error) {
	return nil, errors.ErrUnsupported
}

// Now needs the kernel's process clock.
func Now() (uint64, error) { return 0, errors.ErrUnsupported }

// Listeners needs /proc.
func Listeners(...int) ([]Listener, error) { return nil, errors.ErrUnsupported }
