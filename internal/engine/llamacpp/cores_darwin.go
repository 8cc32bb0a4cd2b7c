package llamacpp

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func physicalCores() int {
	if n, err := unix.SysctlUint32("hw.physicalcpu"); err == nil && n > 0 {
		return int(n)
	}
	return runtime.NumCPU()
}

// The system says neither without cgo; 0 = unknown.
func availableMemory() int64 { return 0 }
func residentMemory() int64  { return 0 }
