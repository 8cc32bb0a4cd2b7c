package gguf

import (
	"fmt"

	"rbee/internal/fault"
)

// Corrupt says why a file is not a usable model.
type Corrupt struct {
	What     string // the thing that is wrong: "magic", "tensor blk.0.attn_q.weight"
	Expected string
	Found    string
}

func (c *Corrupt) Error() string {
	return fmt.Sprintf("%s: expected %s, found %s", c.What, c.Expected, c.Found)
}

// Fault is c as a user sees it, about the file at path.
func (c *Corrupt) Fault(path string) *fault.Error {
	return fault.Wrap(fault.ModelCorrupt, c, "%s is not a usable GGUF model: %v", path, c).
		WithHint("download or copy the file again, or name another model").
		With("path", path).With("expected", c.Expected).With("found", c.Found)
}

func corrupt(what, expected, found string, args ...any) *Corrupt {
	return &Corrupt{what, expected, fmt.Sprintf(found, args...)}
}
