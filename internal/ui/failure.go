package ui

import (
	"fmt"
	"strings"

	"rbee/internal/fault"
)

// longest is how much of a text a person is shown: an error quotes what was typed, and that may be a whole file.
const longest = 4000

// short is a text with its middle left out if it is too long.
func short(s string) string {
	if len(s) <= longest {
		return s
	}
	head, tail := strings.ToValidUTF8(s[:longest*3/4], ""), strings.ToValidUTF8(s[len(s)-longest/4:], "")
	return fmt.Sprintf("%s ... (%d bytes in all) ... %s", head, len(s), tail)
}

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
	n.line(word + " " + Line(short(e.Message)) + " (" + Line(string(e.Code)) + ")")
	if node != "" {
		n.line(" node: " + Line(short(node)))
	}
	if e.Hint != "" {
		n.line(" next: " + Line(short(e.Hint)))
	}
}
