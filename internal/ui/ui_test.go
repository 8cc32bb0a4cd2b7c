package ui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rbee/internal/api"
	"rbee/internal/fault"
)

func TestNarrationIsAligned(t *testing.T) {
	var b bytes.Buffer
	n := &Narrator{Out: &b}
	n.Keeper("start", "starting %s", "queen-rbee")
	n.Say(api.Narration{Source: "queen-rbee", Text: "starting hive on localhost"})
	n.Say(api.Narration{Source: "rbee-hive", Text: "model demo"})
	n.Say(api.Narration{Source: "worker", Kind: "load", Text: "loading model ..."})
	n.Say(api.Narration{Source: "worker", Kind: "load", Text: "loading model ...", Progress: 0.5}) // drawn on a terminal only
	n.Say(api.Narration{Source: "worker", Kind: "ready", Text: "ready in 412 ms"})
	want := `[bee-keeper] starting queen-rbee
[queen-rbee] starting hive on localhost
[rbee-hive]  model demo
[worker]     loading model ...
[worker]     ready in 412 ms
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestProgressIsDrawnOverItselfOnATerminal(t *testing.T) {
	var b bytes.Buffer
	n := &Narrator{Out: &b, Terminal: true}
	n.Say(api.Narration{Source: "worker", Kind: "load", Text: "loading", Progress: 0.5})
	n.Say(api.Narration{Source: "worker", Kind: "load", Text: "loading", Progress: 7}) // a worker that cannot count
	n.Say(api.Narration{Source: "worker", Kind: "ready", Text: "ready"})
	want := "\r\x1b[K[worker]     loading [============            ]  50 %" +
		"\r\x1b[K[worker]     loading [========================] 100 %" +
		"\r\x1b[K[worker]     ready\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	for _, c := range []struct {
		env      map[string]string
		terminal bool
		want     bool
	}{
		{nil, true, true},
		{nil, false, false},
		{map[string]string{"NO_COLOR": "1"}, true, false},
		{map[string]string{"TERM": "dumb"}, true, false},
	} {
		if got := Colour(func(k string) string { return c.env[k] }, c.terminal); got != c.want {
			t.Errorf("%v on a terminal (%v): %v", c.env, c.terminal, got)
		}
	}
	for _, colour := range []bool{true, false} {
		var b bytes.Buffer
		n := &Narrator{Out: &b, Colour: colour}
		n.Keeper("", "x")
		n.Fail(fault.New(fault.Internal, "x"), "")
		if strings.Contains(b.String(), "\x1b") != colour {
			t.Errorf("colour %v: %q", colour, b.String())
		}
	}
}

func TestQuietStillSaysErrors(t *testing.T) {
	var b bytes.Buffer
	n := &Narrator{Out: &b, Quiet: true}
	n.Keeper("start", "starting")
	n.Receipt(api.Receipt{Clean: true, Processes: []api.Process{{Name: "x"}}})
	if b.Len() != 0 {
		t.Errorf("said %q", b.String())
	}
	n.Fail(fault.New(fault.ModelNotFound, "no model x, 3 are there").WithHint("try demo"), "localhost")
	want := "error: no model x, 3 are there (MODEL_NOT_FOUND)\n node: localhost\n next: try demo\n"
	if b.String() != want {
		t.Errorf("got %q, want what, where and what next", b.String())
	}
}

func TestRemoteTextCannotCommandTheTerminal(t *testing.T) {
	evil := "a\x1b]0;title\x07b\nfake\r\x9b2J\u009b2J\u202Ec"
	var b bytes.Buffer
	n := &Narrator{Out: &b}
	n.Say(api.Narration{Source: "worker\x1b[2J", Text: evil})
	n.Fail(fault.New(fault.Code("X\x1b"), "%s", evil).WithHint("%s", evil), evil)
	checkHarmless(t, b.String(), "\n")
	if lines := strings.Count(b.String(), "\n"); lines != 4 {
		t.Errorf("%d lines, want 4: a line break in a text is no line of its own", lines)
	}

	b.Reset()
	p := &Plain{Out: &b, Terminal: true}
	if err := p.Tokens([]string{"a\tb\n", evil}); err != nil {
		t.Fatal(err)
	}
	checkHarmless(t, b.String(), "\n\t")
	if !strings.HasPrefix(b.String(), "a\tb\na␛]0;title") {
		t.Errorf("got %q", b.String())
	}

	b.Reset()
	p = &Plain{Out: &b} // a pipe gets what the model said
	_ = p.Tokens([]string{evil})
	if b.String() != evil {
		t.Errorf("on a pipe: got %q", b.String())
	}
}

func checkHarmless(t *testing.T, s, allowed string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if !strings.ContainsRune(allowed, r) && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r != '\u200e' && r != '\u200f' && r != '\u061c') {
			t.Errorf("%q holds %U", s, r)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u009b\u202e\r\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		checkHarmless(t, Line(s), "")
		checkHarmless(t, Terminal(s), "\n\t")
	})
}

func TestPlainEndsItsLastLineOnce(t *testing.T) {
	for _, c := range []struct {
		tokens []string
		want   string
	}{
		{[]string{"hello", " world"}, "hello world\n"},
		{[]string{"hello\n"}, "hello\n"},
		{nil, ""},
	} {
		var b bytes.Buffer
		p := &Plain{Out: &b}
		for _, tok := range c.tokens {
			_ = p.Tokens([]string{tok})
		}
		_ = p.Done("", nil)
		_ = p.Stopped(api.NothingStarted())
		if b.String() != c.want {
			t.Errorf("%q became %q", c.tokens, b.String())
		}
	}
}

func TestNarrationInTheMiddleOfALineStartsItsOwn(t *testing.T) {
	var screen bytes.Buffer // stdout and stderr of one terminal
	p := &Plain{Out: &screen, Terminal: true}
	n := &Narrator{Out: &screen, Terminal: true, BreakLine: p.BreakLine}
	_ = p.Tokens([]string{"hello"})
	n.Keeper("warn", "interrupted")
	n.Keeper("warn", "again")
	_ = p.Done("", nil)
	if want := "hello\n[bee-keeper] interrupted\n[bee-keeper] again\n"; screen.String() != want {
		t.Errorf("got %q", screen.String())
	}
}

// countingWriter tells one write from many.
type countingWriter struct {
	bytes.Buffer
	writes int
}

func (c *countingWriter) Write(b []byte) (int, error) { c.writes++; return c.Buffer.Write(b) }

func TestWhatArrivedTogetherIsWrittenTogether(t *testing.T) {
	for name, open := range map[string]func(*countingWriter) Answer{
		"plain": func(w *countingWriter) Answer { return &Plain{Out: w} },
		"json":  func(w *countingWriter) Answer { return &JSONLines{Out: w} },
	} {
		var w countingWriter
		_ = open(&w).Tokens([]string{"a", "b", "c"})
		if w.writes != 1 {
			t.Errorf("%s: %d writes", name, w.writes)
		}
	}
}

func TestJSONLinesToTheLetter(t *testing.T) {
	var b bytes.Buffer
	j := &JSONLines{Out: &b}
	_ = j.Tokens([]string{"he<llo", "\n"})
	_ = j.Done("he<llo\n", &api.Done{Usage: api.Usage{PromptTokens: 3, CompletionTokens: 2}, Timings: api.Timings{TTFTMS: 31, TokensPerSecond: 118}, FinishReason: "stop", Seed: 7})
	_ = j.Failed("x", &api.Failure{Error: fault.New(fault.WorkerCrashed, "died"), Usage: api.Usage{CompletionTokens: 1}})
	_ = j.Stopped(api.Receipt{Clean: true, Forced: 1, TookMS: 38.5, Processes: []api.Process{
		{Name: "rbee-hive", PID: 4, Host: "h", Started: time.Unix(1700000000, 0).UTC(), Cause: "stopped", TookMS: 2}}})
	_ = j.Stopped(api.Receipt{Clean: true})
	want := `{"type":"token","text":"he<llo"}
{"type":"token","text":"\n"}
{"type":"done","text":"he<llo\n","usage":{"prompt_tokens":3,"completion_tokens":2,"cached_tokens":0},"timings":{"load_ms":0,"queue_ms":0,"prefill_ms":0,"decode_ms":0,"ttft_ms":31,"tokens_per_second":118},"finish_reason":"stop","seed":7}
{"type":"error","error":{"code":"WORKER_CRASHED","message":"died"},"text":"x","usage":{"prompt_tokens":0,"completion_tokens":1,"cached_tokens":0}}
{"type":"stopped","clean":true,"forced":1,"took_ms":38.5,"processes":[{"name":"rbee-hive","pid":4,"host":"h","started":"2023-11-14T22:13:20Z","cause":"stopped","forced":false,"took_ms":2}]}
{"type":"stopped","clean":true,"forced":0,"took_ms":0,"processes":[]}
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestReceiptNamesWhatWasForcedAndWhatIsLeft(t *testing.T) {
	gone := api.Process{Name: "rbee-hive", PID: 4, Host: "h", Cause: "stopped"}
	forced := api.Process{Name: "llm-worker-rbee", PID: 5, Host: "h", Cause: "killed: grace of 5s over", Forced: true}
	left := api.Process{Name: "llm-worker-rbee", PID: 6, Host: "h", Cause: "survived SIGKILL", Forced: true, Unproven: true}
	for _, c := range []struct {
		r    api.Receipt
		want string
	}{
		{api.NothingStarted(), ""},
		{api.Receipt{Clean: true, TookMS: 38, Processes: []api.Process{gone}}, "[bee-keeper] clean: 1 process stopped in 38 ms, 0 forced\n"},
		{api.Receipt{Clean: true, Forced: 1, TookMS: 5100, Processes: []api.Process{gone, forced}},
			"[bee-keeper] forced: llm-worker-rbee, pid 5 on h: killed: grace of 5s over\n[bee-keeper] clean: 2 processes stopped in 5.1 s, 1 forced\n"},
		{api.Receipt{Forced: 1, Processes: []api.Process{left}},
			"error: llm-worker-rbee, pid 6, could not be proven gone: survived SIGKILL (NODE_LOST)\n node: h\n next: it ends by itself when its lease is over; once the machine answers again, rbee node check NAME looks at it\n"},
	} {
		var b bytes.Buffer
		(&Narrator{Out: &b}).Receipt(c.r)
		if b.String() != c.want {
			t.Errorf("got\n%swant\n%s", b.String(), c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	var b bytes.Buffer
	n := &Narrator{Out: &b}
	n.Summary(&api.Done{Usage: api.Usage{CompletionTokens: 6}, Timings: api.Timings{TTFTMS: 31, TokensPerSecond: 118}, Seed: 7, FinishReason: "stop"})
	if want := "[bee-keeper] 6 tokens, first after 31 ms, 118 tok/s, seed 7, ended by stop\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestAnErrorThatQuotesAFileIsCut(t *testing.T) {
	var out strings.Builder
	n := &Narrator{Out: &out}
	long := strings.Repeat("ä", 50000)
	n.Fail(fault.New(fault.InvalidRequest, "--x is %q, allowed is 1", long).WithHint("not %s", long), "")
	if s := out.String(); len(s) > 10000 || !strings.Contains(s, "bytes in all)") || !strings.Contains(s, "allowed is 1 (INVALID_REQUEST)") || !utf8.ValidString(s) {
		t.Errorf("%d bytes: %.100s ... %.200s", len(s), s, s[max(0, len(s)-200):])
	}
}
