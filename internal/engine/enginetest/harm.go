package enginetest

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/ebitengine/purego"

	"rbee/internal/fault"
)

// meet does the harm that the script has for a point, if any.
func (s Script) meet(p Point) error {
	h, ok := s.Harm[p]
	if !ok || !s.first() {
		return nil
	}
	switch h {
	case Hang:
		for { // deaf: what makes native code cruel is that nothing in this process can end it
			time.Sleep(time.Hour) // not select {}: Go ends a process in which all goroutines do that
		}
	case Exit:
		os.Exit(ExitCode)
	case Crash:
		native("strlen", 1) // reads from address 1
	case Abort:
		native("abort")
	case Garbage:
		fmt.Println("ggml_fake: this line is on standard output, where no library should write \x00\xff")
	case Fail:
		code := s.Code
		if code == "" {
			code = fault.Internal
		}
		return fault.New(code, "the fake engine fails at %s, as told", p.Stage).WithHint("change its script")
	}
	return nil
}

// first says whether this process is the one to be harmed.
func (s Script) first() bool {
	if s.OnlyOnce == "" {
		return true
	}
	f, err := os.OpenFile(s.OnlyOnce, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// native calls a C function the way the engine's binding does: what happens in it happens in native code, on a stack
// that Go knows nothing of.
func native(function string, arguments ...uintptr) {
	file := "libc.so.6"
	if runtime.GOOS == "darwin" {
		file = "/usr/lib/libSystem.B.dylib"
	}
	lib, err := purego.Dlopen(file, purego.RTLD_NOW)
	if err != nil {
		panic(fmt.Sprintf("fake engine cannot die: %v", err))
	}
	f, err := purego.Dlsym(lib, function)
	if err != nil {
		panic(fmt.Sprintf("fake engine cannot die: %v", err))
	}
	r, _, _ := purego.SyscallN(f, arguments...)
	panic(fmt.Sprintf("fake engine did not die: %s returned %d", function, r))
}
