package llamacpp

import (
	"sync/atomic"
	"unsafe"
)

// abortFunction is the C function that llama.cpp asks between two operations whether to stop. It wants
// bool f(void *data), and strlen is one: the flag is a string, empty while it is zero, one byte long when it is
// one. The obvious choice, a callback into Go, costs 20-40 us a token on a small model (it is asked for every
// operation of every step, on the thread that computes), which is more than all the rest of this package.
const abortFunction = "strlen"

// abortFlag asks native code to leave the step it is in.
type abortFlag struct{ word *atomic.Uint32 }

func newAbortFlag() abortFlag { return abortFlag{new(atomic.Uint32)} }

// raise may be called from any goroutine, at any time. In little-endian order a 1 is the bytes 1, 0, 0, 0: the
// string of length one. (All targets are little-endian.)
func (a abortFlag) raise() { a.word.Store(1) }

// lower is called by the loop before a step.
func (a abortFlag) lower() { a.word.Store(0) }

// address is what C gets. It stays valid while a is reachable: Go does not move heap objects.
func (a abortFlag) address() uintptr { return uintptr(unsafe.Pointer(a.word)) }
