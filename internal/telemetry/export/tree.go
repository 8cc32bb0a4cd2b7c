package export

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"rbee/internal/telemetry"
)

// row is one span in the order of the drawing: a parent before its children, siblings by their start.
type row struct {
	span   telemetry.Span
	branch string // the lines that join it to its parent: "│  └─ "
	below  string // the lines that go on beneath it
}

// tree orders the spans of root's trace. Spans whose parent is not there (its process was killed before it could hand
// it up) follow the root as trees of their own; so does a circle, which only a liar makes.
func tree(spans []telemetry.Span, root int) []row {
	t := &forest{spans: spans, children: map[string][]int{}, seen: make([]bool, len(spans))}
	for i, s := range spans {
		if s.TraceID == spans[root].TraceID {
			t.children[s.Parent] = append(t.children[s.Parent], i)
		} else {
			t.seen[i] = true
		}
	}
	t.grow(root, "", "")
	for _, orphan := range []func(telemetry.Span) bool{
		func(s telemetry.Span) bool { return !t.known(s.Parent) },
		func(telemetry.Span) bool { return true },
	} {
		for i, s := range spans {
			if !t.seen[i] && orphan(s) {
				t.grow(i, "", "")
			}
		}
	}
	return t.rows
}

// maxLines bounds the lines to the left of a span, in bytes: a liar's chain of thousands would take their square.
const maxLines = 256

type forest struct {
	spans    []telemetry.Span
	children map[string][]int
	seen     []bool
	ids      map[string]bool
	rows     []row
}

func (t *forest) known(id string) bool {
	if t.ids == nil {
		t.ids = map[string]bool{}
		for _, s := range t.spans {
			t.ids[s.ID] = true
		}
	}
	return t.ids[id]
}

func (t *forest) grow(i int, branch, below string) {
	t.seen[i] = true
	at := len(t.rows)
	t.rows = append(t.rows, row{t.spans[i], branch, below})
	var young []int
	for _, c := range t.children[t.spans[i].ID] {
		if !t.seen[c] {
			young = append(young, c)
		}
	}
	if len(young) > 0 {
		t.rows[at].below += "│"
	}
	last, next := below+"   ", below+"│  "
	if len(below) > maxLines {
		last, next = below, below
	}
	for n, c := range young {
		if t.seen[c] { // reached by another way, in a circle
			continue
		}
		if n == len(young)-1 {
			t.grow(c, below+"└─ ", last)
		} else {
			t.grow(c, below+"├─ ", next)
		}
	}
}

// fit makes text n columns wide; what is no printable character, which a terminal might obey, becomes '?'.
func fit(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
	w := utf8.RuneCountInString(text)
	if w > n {
		return string([]rune(text)[:n-1]) + "…"
	}
	return text + strings.Repeat(" ", n-w)
}
