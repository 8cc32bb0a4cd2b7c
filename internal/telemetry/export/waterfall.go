package export

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rbee/internal/telemetry"
)

// The drawing's columns: tree, service, start and duration in ms, and the bar, which gets what is left.
const (
	minBar, maxBar = 20, 72
	maxTree        = 34
	numbers        = 9 // "123456.7" and a space
	maxRows        = 200
	defaultColumns = 100
)

// Waterfall draws the trace that the longest root of spans belongs to, and under it the share of the root's time that
// lies in other spans. Columns is the width to fill, as far as that is possible; 0 = 100.
func Waterfall(w io.Writer, spans []telemetry.Span, columns int, color bool) error {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b telemetry.Span) int { return a.Start.Compare(b.Start) })
	root := telemetry.Root(spans)
	if root < 0 {
		_, err := fmt.Fprintln(w, "no spans were recorded")
		return err
	}
	d := newDrawing(tree(spans, root), spans[root], columns, color)
	d.header()
	for i, r := range d.rows {
		if i == maxRows {
			fmt.Fprintf(&d.out, "... and %d spans more\n", len(d.rows)-maxRows)
			break
		}
		d.row(r)
	}
	d.footer(telemetry.Coverage(spans))
	_, err := io.WriteString(w, d.out.String())
	return err
}

type drawing struct {
	out    strings.Builder
	rows   []row
	root   telemetry.Span
	paint  painter
	styles map[string]style // by service

	tree, service, bar int // widths
}

func newDrawing(rows []row, root telemetry.Span, columns int, color bool) *drawing {
	if columns <= 0 {
		columns = defaultColumns
	}
	d := &drawing{rows: rows, root: root, paint: painter(color), styles: map[string]style{}}
	for _, r := range rows {
		d.tree = max(d.tree, utf8.RuneCountInString(r.branch+r.span.Name))
		d.service = max(d.service, utf8.RuneCountInString(r.span.Service))
		if _, ok := d.styles[r.span.Service]; !ok {
			d.styles[r.span.Service] = services[len(d.styles)%len(services)]
		}
	}
	d.tree, d.service = min(max(d.tree, len("span")), maxTree), min(max(d.service, len("service")), 20)
	d.bar = min(max(columns-d.tree-d.service-2*numbers-4, minBar), maxBar)
	return d
}

func (d *drawing) header() {
	d.line(d.paint.text(dim, fit("span", d.tree)+"  "+fit("service", d.service)+
		fmt.Sprintf("%*s%*s", numbers, "at ms", numbers, "took ms")+"  trace "+d.root.TraceID))
}

func (d *drawing) row(r row) {
	s := r.span
	color := d.styles[s.Service]
	if s.Failed || s.Attr(telemetry.AttrForced) == "true" {
		color = red
	}
	name := []rune(fit(r.branch+s.Name, d.tree))
	lines := min(utf8.RuneCountInString(r.branch), d.tree)
	b := newBar(d.bar, color)
	b.fill(d.position(s.Start), d.position(s.End))
	for _, e := range s.Events {
		if e.Name == telemetry.EventFirstToken {
			b.mark(d.position(e.At))
		}
	}
	label := note(s, d.root.Start)
	fits := b.note(label)
	d.line(d.paint.text(dim, string(name[:lines])) + string(name[lines:]) + "  " +
		d.paint.text(d.styles[s.Service], fit(s.Service, d.service)) +
		fmt.Sprintf("%*.1f%*.1f", numbers, ms(s.Start.Sub(d.root.Start)), numbers, ms(s.Took())) + "  " + b.render(d.paint))
	if !fits {
		// On a line of its own, ending where the bars end.
		room := d.tree + d.service + 2*numbers + 4 + d.bar - utf8.RuneCountInString(label)
		d.line(d.paint.text(dim, fit(r.below, max(min(d.tree, room), 1))+strings.Repeat(" ", max(room-d.tree, 1))+label))
	}
}

// footer ends with the share of the time that the trace explains.
func (d *drawing) footer(coverage float64) {
	processes := map[string]bool{}
	for _, r := range d.rows {
		processes[fmt.Sprint(r.span.Service, r.span.PID)] = true
	}
	d.line(fmt.Sprintf("%.1f %% of %.1f ms is inside named spans (%d spans, %d processes)",
		100*coverage, ms(d.root.Took()), len(d.rows), len(processes)))
}

func (d *drawing) line(text string) { d.out.WriteString(strings.TrimRight(text, " ") + "\n") }

// position is where a moment lies on the bar, in cells; what lies outside the root is put at its edge.
func (d *drawing) position(t time.Time) float64 {
	if d.root.Took() <= 0 {
		return 0
	}
	share := float64(t.Sub(d.root.Start)) / float64(d.root.Took())
	return min(max(share, 0), 1) * float64(d.bar)
}

// note is what the bar cannot say: why something stopped and how, why it failed, when the first token came.
func note(s telemetry.Span, zero time.Time) string {
	var parts []string
	for _, e := range s.Events {
		if e.Name == telemetry.EventFirstToken {
			parts = append(parts, fmt.Sprintf("first token %.1f", ms(e.At.Sub(zero))))
		}
	}
	if cause := s.Attr(telemetry.AttrCause); cause != "" {
		parts = append(parts, cause)
	}
	if s.Attr(telemetry.AttrForced) == "true" {
		parts = append(parts, "forced")
	}
	if s.Attr(telemetry.AttrUnproven) == "true" {
		parts = append(parts, "unproven")
	}
	if s.Failed {
		parts = append(parts, strings.TrimSpace("failed "+s.Attr(telemetry.AttrErrorCode)))
	}
	text := strings.Join(parts, ", ")
	return fit(text, min(utf8.RuneCountInString(text), 80))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
