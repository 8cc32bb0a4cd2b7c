//go:build !linux

package proc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func dup2(old, new int) error { return unix.Dup2(old, new) }

// BecomeSubreaper does nothing where the system has no sub-reapers.
func BecomeSubreaper() error { return nil }

func sysProcAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// waitExit has no portable form; the group is then killed after the reaping, when its id may in theory be reused.
func waitExit(int) bool { return false }

// EndStrays finds nothing where the system has no sub-reapers.
func EndStrays() int { return 0 }
