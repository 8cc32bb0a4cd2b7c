//go:build amd64 || arm64

package nativecrash

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// signals that native code dies of: a bad address, a failed assertion (ggml's GGML_ASSERT aborts), an instruction
// that this processor lacks.
var signals = []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT}

// sigaction is the kernel's, the same on both architectures as far as it is touched here; Go sets SA_RESTORER on
// amd64 and leaves the field empty on arm64.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Of the handler (handler_*.s). It runs on whichever thread died, so it looks at nothing but these.
var (
	goHandlers [65]uintptr // Go's own, by signal
	//lint:ignore U1000 handle reads it
	byDefault sigaction // SIG_DFL
)

// handle is the signal handler. It is not called from Go.
//
//lint:ignore U1000 the kernel calls it
func handle()

// handlerAddress returns where handle begins: a func value would point to a wrapper.
func handlerAddress() uintptr

// Keep arms it, once, for the rest of the process. It also forbids core dumps: the memory of a worker is gigabytes of
// weights, and the prompt.
func Keep() error {
	// 1, not 0: no file is that small, and a program that core dumps are piped to is started in spite of 0 (core(5)).
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err == nil && old.Max > 0 {
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1, Max: old.Max})
	}
	for _, s := range signals {
		var a sigaction
		if err := rtSigaction(s, nil, &a); err != nil {
			return err
		}
		if a.handler == handlerAddress() {
			continue
		}
		goHandlers[s] = a.handler
		a.handler = handlerAddress()
		if err := rtSigaction(s, &a, nil); err != nil {
			return err
		}
	}
	return nil
}

func rtSigaction(s syscall.Signal, set, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return fmt.Errorf("cannot set the handler of %v: %w", s, errno)
	}
	return nil
}
