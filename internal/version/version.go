// Package version knows which build this is. All four programs of a tree must be of one build.
package version

import (
	"fmt"
	"runtime"
)

// Set by the linker: -X rbee/internal/version.number=... -X rbee/internal/version.commit=...
var (
	number = "0.1.0-dev"
	commit = "unknown"
)

// Build identifies this build: two processes may form a tree only if theirs are equal.
func Build() string { return number + "+" + commit }

// String is what --version prints for a program.
func String(program string) string {
	return fmt.Sprintf("%s %s (%s, %s/%s)", program, Build(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
