package telemetry

import (
	"slices"
	"time"
)

// Root returns the index in spans of the one that holds the others: the longest whose parent is not among them.
// It is -1 if there is none.
func Root(spans []Span) int {
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	root := -1
	for i, s := range spans {
		if (s.Parent == "" || !known[s.Parent]) && (root < 0 || s.Took() > spans[root].Took()) {
			root = i
		}
	}
	return root
}

// Coverage is the share of the root's duration, 0 to 1, that lies within at least one other span of its trace:
// how much of a command's time the trace can explain. It is 0 without a root or with one of no duration.
func Coverage(spans []Span) float64 {
	i := Root(spans)
	if i < 0 || spans[i].Took() <= 0 {
		return 0
	}
	root := spans[i]
	var inside []Span
	for j, s := range spans {
		if j != i && s.TraceID == root.TraceID {
			inside = append(inside, s)
		}
	}
	slices.SortFunc(inside, func(a, b Span) int { return a.Start.Compare(b.Start) })

	var covered time.Duration
	upTo := root.Start // everything before it is counted
	for _, s := range inside {
		from, to := later(s.Start, upTo), earlier(s.End, root.End)
		if to.After(from) {
			covered += to.Sub(from)
			upTo = to
		}
	}
	return float64(covered) / float64(root.Took())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
