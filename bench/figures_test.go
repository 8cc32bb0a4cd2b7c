package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// figure is one that has a goal, and what was seen of it in this run of the test binary.
type figure struct {
	name  string
	unit  string
	goal  float64
	least bool // the goal is the least that will do; else the most
	seen  []float64
}

// figures are in the order in which they were first seen.
var figures []*figure

// atMost notes a figure that has a goal for the table at the end.
func atMost(b *testing.B, name, unit string, goal, seen float64) {
	note(b, figure{name: name, unit: unit, goal: goal}, seen)
}

// atLeast is atMost for a figure that should be large.
func atLeast(b *testing.B, name, unit string, goal, seen float64) {
	note(b, figure{name: name, unit: unit, goal: goal, least: true}, seen)
}

func note(b *testing.B, f figure, seen float64) {
	i := slices.IndexFunc(figures, func(o *figure) bool { return o.name == f.name })
	if i < 0 {
		i, figures = len(figures), append(figures, &f)
	}
	figures[i].seen = append(figures[i].seen, seen)
}

// missed says whether the median missed the goal. What is no number met nothing.
func (f *figure) missed() bool {
	switch m := f.median(); {
	case math.IsNaN(m):
		return true
	case f.least:
		return m < f.goal
	default:
		return m > f.goal
	}
}

func (f *figure) median() float64 { return middle(f.seen) }

// writeFigures writes the table of figures, goals and what was seen: the median of the runs of each benchmark. Its
// lines begin with #, so that tools that read benchmarks pass over them.
func writeFigures(w io.Writer, all []*figure) {
	if len(all) == 0 {
		return
	}
	wide := slices.MaxFunc(all, func(a, b *figure) int { return cmp.Compare(len(a.name), len(b.name)) })
	missed := 0
	fmt.Fprintf(w, "#\n# %-*s  %15s  %15s\n", len(wide.name), "figure", "goal", "seen")
	for _, f := range all {
		than, verdict := "<=", ""
		if f.least {
			than = ">="
		}
		if f.missed() {
			missed++
			verdict = "  MISSED"
		}
		fmt.Fprintf(w, "# %-*s  %15s  %15s%s\n", len(wide.name), f.name, fmt.Sprintf("%s %g %s", than, f.goal, f.unit), fmt.Sprintf("%.4g %s", f.median(), f.unit), verdict)
	}
	fmt.Fprintf(w, "# %d of %d goals missed\n", missed, len(all))
}

func TestTheTableSaysWhichGoalsWereMissed(t *testing.T) {
	var s strings.Builder
	writeFigures(&s, []*figure{
		{name: "stop", unit: "ms", goal: 250, seen: []float64{90, 300, 251}},
		{name: "start of it all", unit: "ms", goal: 250, seen: []float64{90, 250, 251}},
		{name: "rate", unit: "%", goal: 90, least: true, seen: []float64{89.9}},
		{name: "nothing", unit: "ms", goal: 1},
	})
	want := `#
# figure                      goal             seen
# stop                   <= 250 ms           251 ms  MISSED
# start of it all        <= 250 ms           250 ms
# rate                     >= 90 %           89.9 %  MISSED
# nothing                  <= 1 ms           NaN ms  MISSED
# 3 of 4 goals missed
`
	if s.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", s.String(), want)
	}
}

// middle is the median; NaN of nothing.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// samples collects durations by name, of runs that are taken in turns.
type samples map[string][]time.Duration

func (s samples) add(name string, d time.Duration) { s[name] = append(s[name], d) }

// ms is the median in milliseconds.
func (s samples) ms(name string) float64 { return s.at(name, 50) }

// at is the p-th percentile in milliseconds.
func (s samples) at(name string, p float64) float64 {
	v := slices.Sorted(slices.Values(s[name]))
	if len(v) == 0 {
		return math.NaN()
	}
	return float64(percentile(v, p).Nanoseconds()) / 1e6
}

// report reports medians as metrics, named NAME-ms.
func (s samples) report(b *testing.B, names ...string) {
	for _, n := range names {
		b.ReportMetric(s.ms(n), n+"-ms")
	}
}
