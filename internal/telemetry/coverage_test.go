package telemetry

import (
	"math"
	"testing"
	"time"
)

func TestCoverageIsTheUnionWithinTheRoot(t *testing.T) {
	span := func(id, parent string, from, to int) Span {
		at := func(ms int) time.Time { return time.UnixMilli(1_000_000 + int64(ms)) }
		return Span{TraceID: "t", ID: id, Parent: parent, Start: at(from), End: at(to)}
	}
	foreign := span("x", "", 0, 90)
	foreign.TraceID = "other"
	root := span("r", "", 0, 100)
	for name, c := range map[string]struct {
		spans []Span
		want  float64
	}{
		"nothing":                      {nil, 0},
		"root alone":                   {[]Span{root}, 0},
		"instant root":                 {[]Span{span("r", "", 5, 5)}, 0},
		"two apart":                    {[]Span{root, span("a", "r", 10, 30), span("b", "r", 50, 80)}, .5},
		"overlap counts once":          {[]Span{root, span("a", "r", 10, 50), span("b", "r", 40, 60)}, .5},
		"inside another":               {[]Span{root, span("a", "r", 10, 60), span("b", "a", 20, 30)}, .5},
		"in any order":                 {[]Span{span("b", "r", 50, 80), root, span("a", "r", 10, 30)}, .5},
		"beyond the root does not":     {[]Span{root, span("a", "r", -50, 25), span("b", "r", 75, 200)}, .5},
		"outside the root does not":    {[]Span{root, span("a", "r", -50, -25), span("b", "r", 101, 150)}, 0},
		"another trace does not":       {[]Span{root, foreign}, 0},
		"root with a parent elsewhere": {[]Span{span("r", "outside", 0, 100), span("a", "r", 0, 100)}, 1},
	} {
		if got := Coverage(c.spans); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
