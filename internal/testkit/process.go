package testkit

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Process is a living process that carries a run id.
type Process struct {
	PID     int
	Start   uint64 // when it began, in the kernel's clock ticks since boot
	Run     string // RBEE_RUN_ID
	Life    string // RBEE_LIFE, the address of this life
	TempDir string // TMPDIR
	Command string // its argument vector, joined by blanks
}

func (p Process) String() string {
	return fmt.Sprintf("pid %d, run %s, life %s: %s", p.PID, p.Run, cmp.Or(p.Life, "-"), p.Command)
}

// OfRun matches the processes of one run.
func OfRun(id string) func(Process) bool {
	return func(p Process) bool { return p.Run == id }
}

// OfLife matches the process of one life, and what it started without giving it a life of its own.
func OfLife(address string) func(Process) bool {
	return func(p Process) bool { return p.Life == address }
}

// Below matches the processes whose TMPDIR lies in dir: whatever a test run with a private TMPDIR started.
func Below(dir string) func(Process) bool {
	dir = resolved(dir)
	return func(p Process) bool {
		return p.TempDir != "" && (resolved(p.TempDir) == dir || strings.HasPrefix(resolved(p.TempDir), dir+string(os.PathSeparator)))
	}
}

// resolved follows links where the path exists: a temporary folder is often behind one.
func resolved(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return filepath.Clean(path)
}
