package export

import (
	"math"
	"strings"
	"unicode/utf8"
)

// eighths are the left parts of a cell, by how many eighths of it they fill.
var eighths = []rune(" ▏▎▍▌▋▊▉█")

// marker is the first token's place on the bar.
const marker = '◆'

// bar is one span's line on the time scale: cells, and a style for each.
type bar struct {
	cells    []rune
	styles   []style
	color    style
	from, to int // the cells that are filled
}

func newBar(width int, color style) *bar {
	return &bar{cells: []rune(strings.Repeat(" ", width)), styles: make([]style, width), color: color}
}

// fill draws from one position to another, in cells. The end is exact to an eighth, the start to a cell, because
// there is no character for the right part of one; whatever was is at least a sliver.
func (b *bar) fill(start, end float64) {
	b.from = min(int(start), len(b.cells)-1)
	n := max(int(math.Round((end-float64(b.from))*8)), 1)
	for at := b.from; n > 0 && at < len(b.cells); at++ {
		b.cells[at], b.styles[at] = eighths[min(n, 8)], b.color
		b.to = at + 1
		n -= 8
	}
}

func (b *bar) mark(at float64) {
	i := min(int(at), len(b.cells)-1)
	b.cells[i], b.styles[i] = marker, bold
	b.from, b.to = min(b.from, i), max(b.to, i+1)
}

// note writes text beside the filled cells, right of them if there is room, else left; false if there is none.
func (b *bar) note(text string) bool {
	n := utf8.RuneCountInString(text)
	at := b.to + 1
	switch {
	case n == 0:
		return true
	case at+n <= len(b.cells):
	case n < b.from:
		at = b.from - 1 - n
	default:
		return false
	}
	for _, r := range text {
		b.cells[at], b.styles[at] = r, dim
		at++
	}
	return true
}

func (b *bar) render(p painter) string {
	var out strings.Builder
	for i := 0; i < len(b.cells); {
		j := i
		for j < len(b.cells) && b.styles[j] == b.styles[i] {
			j++
		}
		out.WriteString(p.text(b.styles[i], string(b.cells[i:j])))
		i = j
	}
	return strings.TrimRight(out.String(), " ")
}
