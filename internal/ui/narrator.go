package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"rbee/internal/api"
)

// Keeper is the source of what the keeper itself narrates.
const Keeper = "bee-keeper"

// Narrator writes to stderr. It may be used from many goroutines.
type Narrator struct {
	Out      io.Writer
	Terminal bool // Out is one that can move its cursor: progress bars
	Colour   bool
	Quiet    bool // errors only

	// BreakLine, if set, is asked before a line is written: true if the answer stands in the middle of a line of
	// the same terminal, which is then ended first.
	BreakLine func() bool

	mu    sync.Mutex
	muted bool
	bar   bool // a progress bar stands on the current line
}

// Colours by source; anything else is plain.
var colours = map[string]string{
	Keeper:       "\x1b[33m", // yellow, as bees are
	"queen-rbee": "\x1b[35m",
	"rbee-hive":  "\x1b[36m",
	"worker":     "\x1b[32m",
}

const (
	reset     = "\x1b[0m"
	red       = "\x1b[31m"
	eraseLine = "\r\x1b[K"
	tagWidth  = len("[" + Keeper + "] ")
)

// Say writes one line for the person who waits. Progress is drawn over itself on a terminal; elsewhere only its
// beginning is worth a line.
func (n *Narrator) Say(e api.Narration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Quiet || n.muted {
		return
	}
	text := Line(e.Text)
	if e.Kind == "load" && e.Progress > 0 {
		if n.Terminal {
			n.write(eraseLine + n.tag(e.Source) + text + " " + bar(e.Progress))
			n.bar = true
		}
		return
	}
	n.line(n.tag(e.Source) + text)
}

// Keeper narrates as the keeper.
func (n *Narrator) Keeper(kind, format string, args ...any) {
	n.Say(api.Narration{Source: Keeper, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// Mute ends all output: nobody is reading any more.
func (n *Narrator) Mute() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.muted = true
}

func (n *Narrator) line(s string) {
	before := ""
	if n.bar {
		before, n.bar = eraseLine, false
	}
	if n.BreakLine != nil && n.BreakLine() {
		before += "\n"
	}
	n.write(before + s + "\n")
}

// write ignores errors: there is no third channel to report them on.
func (n *Narrator) write(s string) { _, _ = io.WriteString(n.Out, s) }

// tag is the source in brackets, padded so that texts stand below each other.
func (n *Narrator) tag(source string) string {
	t := "[" + Line(source) + "]"
	pad := strings.Repeat(" ", max(1, tagWidth-len(t)))
	if c := colours[source]; n.Colour && c != "" {
		t = c + t + reset
	}
	return t + pad
}

// bar draws a fraction, 0 to 1, 30 columns wide.
func bar(fraction float64) string {
	const cells = 24
	fraction = min(max(fraction, 0), 1)
	full := int(fraction * cells)
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("=", full), strings.Repeat(" ", cells-full), fraction*100)
}
