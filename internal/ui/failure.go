package ui

import (
	"rbee/internal/fault"
)

// Fail writes the three things that every failure says: what failed, on which node, and what to do next. It is
// never silenced by Quiet. node is "" where no node is involved.
func (n *Narrator) Fail(e *fault.Error, node string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.muted {
		return
	}
	word := "error:"
	if n.Colour {
		word = red + word + reset
	}
	n.line(word + " " + Line(e.Message) + " (" + Line(string(e.Code)) + ")")
	if node != "" {
		n.line(" node: " + Line(node))
	}
	if e.Hint != "" {
		n.line(" next: " + Line(e.Hint))
	}
}
