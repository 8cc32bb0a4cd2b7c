package export

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rbee/internal/telemetry"
)

// golden is a command as it goes: what a newcomer sees in README.
func golden() []telemetry.Span {
	zero := time.Unix(1_700_000_000, 0)
	at := func(ms float64) time.Time { return zero.Add(time.Duration(ms * float64(time.Millisecond))) }
	var spans []telemetry.Span
	add := func(id, parent, service, name string, from, to float64, kv ...string) {
		s := telemetry.Span{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: id, Parent: parent, Service: service, Name: name,
			Start: at(from), End: at(to), Attributes: map[string]string{}}
		for i := 0; i < len(kv); i += 2 {
			s.Attributes[kv[i]] = kv[i+1]
		}
		spans = append(spans, s)
	}
	const keeper, queen, hive, worker = "rbee", "queen-rbee", "rbee-hive", "llm-worker-rbee"
	cause, forced := string(telemetry.AttrCause), string(telemetry.AttrForced)
	add("1", "", keeper, telemetry.SpanInfer, 0, 203.1)
	add("2", "1", keeper, telemetry.SpanStartQueen, .6, 21.4)
	add("3", "2", queen, telemetry.SpanStartHive, 12.2, 40.9)
	add("4", "3", hive, telemetry.SpanResolveModel, 33, 33.8)
	add("5", "3", hive, telemetry.SpanStartWorker, 33.9, 60.2)
	add("6", "5", worker, telemetry.SpanLoadModel, 55, 97.5)
	add("7", "1", keeper, telemetry.SpanHTTP, 21.6, 176.3)
	add("8", "7", worker, telemetry.SpanQueue, 97.6, 97.9)
	add("9", "7", worker, telemetry.SpanPrefill, 97.9, 111)
	add("a", "7", worker, telemetry.SpanDecode, 111, 176)
	spans[len(spans)-1].Events = []telemetry.Event{{Name: telemetry.EventFirstToken, At: at(112.4)}}
	add("b", "1", keeper, telemetry.SpanStopQueen, 176.4, 203, cause, "stopped")
	add("c", "b", queen, telemetry.SpanStopHive, 179, 200, cause, "stopped")
	add("d", "c", hive, telemetry.SpanStopWorker, 181, 197, cause, "killed: grace of 5s over", forced, "true")
	return spans
}

func TestWaterfallLooksAsInREADME(t *testing.T) {
	var got bytes.Buffer
	if err := Waterfall(&got, golden(), 110, false); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/waterfall.txt")
	if err != nil || got.String() != string(want) {
		t.Errorf("got:\n%s\nwant (testdata/waterfall.txt, %v):\n%s", got.String(), err, want)
	}
}

func TestWaterfallEndsWithTheShareInNamedSpans(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(draw(t, golden(), 100, false)), "\n")
	want := fmt.Sprintf("%.1f %% of 203.1 ms is inside named spans (13 spans, 4 processes)", 100*telemetry.Coverage(golden()))
	if last := lines[len(lines)-1]; last != want {
		t.Errorf("last line is %q, want %q", last, want)
	}
}

func TestWaterfallPutsSpansUnderTheirParentsByStart(t *testing.T) {
	spans := golden()
	for i, j := 0, len(spans)-1; i < j; i, j = i+1, j-1 {
		spans[i], spans[j] = spans[j], spans[i]
	}
	if got, want := draw(t, spans, 110, false), draw(t, golden(), 110, false); got != want {
		t.Errorf("the order of the input shows:\n%s", got)
	}
}

func TestWaterfallKeepsToTheWidthIfItCan(t *testing.T) {
	for _, columns := range []int{80, 100, 160} {
		for i, line := range strings.Split(draw(t, golden(), columns, false), "\n") {
			if n := utf8.RuneCountInString(line); n > columns && i > 0 { // the first bears the trace's id
				t.Errorf("a line of %d columns at width %d: %s", n, columns, line)
			}
		}
	}
}

func TestWaterfallColoursOnlyWhenAsked(t *testing.T) {
	plain, coloured := draw(t, golden(), 100, false), draw(t, golden(), 100, true)
	if strings.Contains(plain, "\x1b") {
		t.Error("escape codes in the plain drawing")
	}
	if !strings.Contains(coloured, "\x1b[31m") {
		t.Error("the forced stop is not red")
	}
}

func TestWaterfallShowsASpanWhoseParentWasLost(t *testing.T) {
	spans := golden()
	spans = append(spans[:2], spans[3:]...) // without "start hive"
	if got := draw(t, spans, 100, false); !strings.Contains(got, "\nstart worker") {
		t.Errorf("start worker is not at the margin:\n%s", got)
	}
}

func TestWaterfallOfNothingSaysSo(t *testing.T) {
	if got := draw(t, nil, 100, false); got != "no spans were recorded\n" {
		t.Errorf("got %q", got)
	}
}

// A worker chooses names, times and parents of its spans.
func TestWaterfallSurvivesALiar(t *testing.T) {
	evil := func(id, parent, name string, from, to int64) telemetry.Span {
		return telemetry.Span{TraceID: golden()[0].TraceID, ID: id, Parent: parent, Service: "\x1b[2J", Name: name,
			Start: time.Unix(0, from), End: time.Unix(0, to),
			Attributes: map[string]string{string(telemetry.AttrCause): "\x1b]0;title\a" + strings.Repeat("long ", 1000)}}
	}
	spans := golden()
	spans = append(spans,
		evil("e1", "e2", "circle", 0, 1), evil("e2", "e1", "circle", 0, 1),
		evil("e3", "e3", "itself", 0, 1),
		evil("7", "1", "same id", 1_700_000_000_100_000_000, 1_700_000_000_100_000_001),
		evil("e4", "1", "line\nbreak\x1b[31m", 0, 1<<63-1))
	for i := range 3000 {
		spans = append(spans, evil(fmt.Sprint("deep", i), fmt.Sprint("deep", i-1), "deep", 0, 1))
	}
	got := draw(t, spans, 80, false)
	if strings.ContainsAny(got, "\x1b\a") {
		t.Error("control characters reach the terminal")
	}
	if n := strings.Count(got, "\n"); n > 2*maxRows+10 {
		t.Errorf("%d lines", n)
	}
	if len(got) > 200_000 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestTreeHoldsEverySpanOnce(t *testing.T) {
	spans := []telemetry.Span{{TraceID: "t", ID: "r"}}
	for _, e := range [][2]string{{"a", "b"}, {"b", "a"}, {"c", "c"}, {"d", "r"}, {"d", "r"}, {"e", "d"}, {"f", "gone"}} {
		spans = append(spans, telemetry.Span{TraceID: "t", ID: e[0], Parent: e[1]})
	}
	if rows := tree(spans, 0); len(rows) != len(spans) {
		t.Errorf("%d rows of %d spans", len(rows), len(spans))
	}
}

func draw(t *testing.T, spans []telemetry.Span, columns int, color bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := Waterfall(&out, spans, columns, color); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
