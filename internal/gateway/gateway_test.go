package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/messages"
)

// net/http lingers for half a second after it cut off a client that was still sending.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// serve puts a backend on a real unix socket.
func serve(t testing.TB, b *gatewaytest.Backend, o gateway.Options) (*api.Client, *http.Client, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gw") // t.TempDir is too long for a socket on some machines
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "q.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.NewServer(gateway.Handler(b, o))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	h := api.DialUnix(path)
	t.Cleanup(func() {
		h.CloseIdleConnections()
		s.Close()
		<-done
		os.RemoveAll(dir)
	})
	return api.NewClient(h), h, path
}

var hello = &api.GenerateRequest{Model: "demo", Prompt: "hello"}

// all reads a stream to its end.
func all(t *testing.T, s *api.Stream) (events []api.Event) {
	t.Helper()
	defer s.Close()
	for {
		e, err := s.Next()
		if err == io.EOF {
			return events
		}
		if err != nil {
			t.Fatalf("after %d events: %v", len(events), err)
		}
		events = append(events, e)
	}
}

func kinds(events []api.Event) (k []string) {
	for _, e := range events {
		k = append(k, string(e.Kind))
	}
	return k
}

func TestAnswerArrivesInOrderAndWhole(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Say("queen-rbee", "start", "starting hive on localhost")
		s.Event(gateway.Event{Accepted: &messages.Accepted{Worker: "queen.1~worker-0.1", ModelPath: "/m", Backend: "cpu", LoadedBefore: true}})
		s.Event(gateway.Event{Prefill: &messages.Prefill{Done: 3, Total: 3}})
		s.Tokens("one", "") // the second token ended inside a character
		s.Tokens(" tw\"o")
		s.Done("stop", 3)
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	r := *hello
	r.Seed = new(int64)
	*r.Seed = 42
	s, err := c.Generate(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	got := all(t, s)
	if k := fmt.Sprint(kinds(got)); k != "[narration accepted prefill token token done]" {
		t.Fatalf("got %s", k)
	}
	if got[1].Accepted.Worker != "queen.1~worker-0.1" || !got[1].Accepted.LoadedBefore {
		t.Errorf("accepted: %+v", got[1].Accepted)
	}
	if text := got[3].Text + got[4].Text; text != `one tw"o` {
		t.Errorf("text is %q", text)
	}
	if d := got[5].Done; d.Seed != 42 || d.Usage.CompletionTokens != 3 || d.Timings.TTFTMS != 31 || d.FinishReason != "stop" {
		t.Errorf("done: %+v", d)
	}
}

func TestFirstTokenLeavesBeforeTheSecondExists(t *testing.T) {
	seen := make(chan struct{})
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("first")
		<-seen
		s.Tokens("second")
		s.Done("stop", 2)
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := s.Next(); err != nil || e.Text != "first" {
		t.Fatalf("got %+v, %v", e, err)
	}
	close(seen)
	all(t, s)
}

func TestDefaultsAreFilledIn(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Done("stop", 0) }}
	c, _, _ := serve(t, b, gateway.Options{})
	r := api.GenerateRequest{Model: "demo", Prompt: "hi", System: "be kind"}
	var seeds []uint32
	for range 2 {
		s, err := c.Generate(t.Context(), &r)
		if err != nil {
			t.Fatal(err)
		}
		events := all(t, s)
		seeds = append(seeds, events[0].Done.Seed)
	}
	g := b.Requests()[1]
	if g.GetId() == "" || g.GetNode() != "localhost" || g.GetGraceMs() != 5000 || g.GetAttempt() != 1 {
		t.Errorf("got %v", g)
	}
	p := g.GetSampling()
	if p.GetTemperature() != 0.7 || p.GetTopK() != 40 || p.GetTopP() != 0.95 || p.GetMinP() != 0.05 || p.GetRepeatPenalty() != 1 {
		t.Errorf("sampling: %v", p)
	}
	if m := g.GetMessages(); len(m) != 2 || m[0].GetRole() != "system" || m[1].GetContent() != "hi" || g.GetPrompt() != "" {
		t.Errorf("messages: %v, prompt %q", m, g.GetPrompt())
	}
	if seeds[0] == seeds[1] || seeds[1] != p.GetSeed() {
		t.Errorf("seeds %v, used %d: want two random ones, and the one that was used", seeds, p.GetSeed())
	}
}

func TestZeroIsNotTheDefault(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Done("stop", 0) }}
	_, h, _ := serve(t, b, gateway.Options{})
	resp := post(t, h, `{"model":"demo","prompt":"x","raw":true,"temperature":0,"top_k":0,"seed":0,"grace_ms":0}`)
	defer resp.Body.Close()
	g := b.Requests()[0]
	if p := g.GetSampling(); p.GetTemperature() != 0 || p.GetTopK() != 0 || p.GetSeed() != 0 || g.GetGraceMs() != 0 {
		t.Errorf("got %v, grace %d", p, g.GetGraceMs())
	}
	if g.GetPrompt() != "x" || len(g.GetMessages()) != 0 || !g.GetRaw() {
		t.Errorf("a raw prompt became %v", g)
	}
}

func post(t *testing.T, h *http.Client, body string) *http.Response {
	t.Helper()
	resp, err := h.Post("http://queen/rbee/v1/generate", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestBadRequestIsRefusedBeforeTheBackendSeesIt(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Done("stop", 0) }}
	_, h, _ := serve(t, b, gateway.Options{})
	for _, c := range []struct{ name, body, want string }{
		{"range", `{"model":"demo","prompt":"x","temperature":3}`, "temperature is 3, allowed is 0 to 2"},
		{"type", `{"model":"demo","prompt":"x","max_tokens":"many"}`, "max_tokens is a JSON string, allowed is a whole number"},
		{"fraction", `{"model":"demo","prompt":"x","max_tokens":1.5}`, "max_tokens is a JSON number 1.5, allowed is a whole number"},
		{"unknown field", `{"model":"demo","promt":"x"}`, `there is no field "promt"`},
		{"not JSON", `hello`, "request body is not the JSON that is expected"},
		{"empty", ``, "request body is empty or ends too early"},
		{"half", `{"model":`, "request body is empty or ends too early"},
		{"two objects", `{"model":"demo","prompt":"x"}{}`, "goes on after the JSON object, at offset 30"},
		{"not UTF-8", "{\"model\":\"demo\",\"prompt\":\"\xff\"}", "request body is not UTF-8: first broken byte at offset 26"},
		{"too large", `{"model":"` + strings.Repeat("a", api.MaxBodyBytes) + `"}`, "request body is too large, allowed is up to 8388608 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := post(t, h, c.body)
			defer resp.Body.Close()
			var got struct{ Error fault.Error }
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			status := 400
			if c.name == "too large" {
				status = 413
			}
			if resp.StatusCode != status || got.Error.Code != fault.InvalidRequest || !strings.Contains(got.Error.Message, c.want) {
				t.Errorf("%d %s: %s; want ...%s...", resp.StatusCode, got.Error.Code, got.Error.Message, c.want)
			}
		})
	}
	resp, err := h.Post("http://queen/rbee/v1/generate", "text/plain", strings.NewReader(`{"model":"demo","prompt":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("text/plain, which any web page may send, got %d", resp.StatusCode)
	}
	if n := len(b.Requests()); n != 0 {
		t.Errorf("the backend saw %d of them", n)
	}
}

func TestFailureBeforeAnyEventIsAnHTTPError(t *testing.T) {
	notFound := fault.New(fault.ModelNotFound, "no model x").WithHint("try demo").With("models", []string{"demo"})
	for name, b := range map[string]*gatewaytest.Backend{
		"refused by Submit": {Refuse: func(*messages.Generate) error { return notFound }},
		"failed first":      {Play: func(s *gatewaytest.Stream) { s.Fail(notFound) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := serve(t, b, gateway.Options{})
			_, err := c.Generate(t.Context(), hello)
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != fault.ModelNotFound || f.Hint != "try demo" || fmt.Sprint(f.Details["models"]) != "[demo]" {
				t.Fatalf("got %#v", err)
			}
		})
	}
	b := &gatewaytest.Backend{Refuse: func(*messages.Generate) error {
		return fault.New(fault.QueueFull, "100 are waiting").With("retry_after_s", 7)
	}}
	_, h, _ := serve(t, b, gateway.Options{})
	resp := post(t, h, `{"model":"demo","prompt":"x"}`)
	defer resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "7" {
		t.Errorf("got %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

func TestFailureInTheAnswerKeepsTheCount(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("a", "b")
		s.Fail(fault.New(fault.WorkerCrashed, "worker died"))
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	got := all(t, s)
	last := got[len(got)-1]
	if last.Kind != api.KindError || last.Error.Error.Code != fault.WorkerCrashed || last.Error.Usage.CompletionTokens != 2 {
		t.Fatalf("got %+v", last.Error)
	}
}

func TestStreamThatJustEndsIsAnInternalError(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Tokens("a") }}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	got := all(t, s)
	if last := got[len(got)-1]; last.Kind != api.KindError || last.Error.Error.Code != fault.Internal {
		t.Fatalf("got %+v", last)
	}
}

func TestCreditIsWhatTheClientWasSent(t *testing.T) {
	streams := make(chan *gatewaytest.Stream, 1)
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("a", "", "b")
		s.Tokens("c")
		s.Done("stop", 4)
		streams <- s
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	all(t, s)
	if n := (<-streams).Credit(); n != 4 {
		t.Fatalf("credit for %d pieces, 4 were sent (an empty one counts: the worker spent credit on it)", n)
	}
}

func TestClientThatLeavesCancels(t *testing.T) {
	streams := make(chan *gatewaytest.Stream, 1)
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("a")
		streams <- s
		<-s.Cancelled
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	p := <-streams
	<-p.Cancelled
	if !strings.HasPrefix(p.Reason(), "client is gone") {
		t.Errorf("cancelled with %q", p.Reason())
	}
}

func TestClientThatReadsNothingCancels(t *testing.T) {
	streams := make(chan *gatewaytest.Stream, 1)
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		streams <- s
		for range 20 { // far more than socket buffers hold
			s.Tokens(strings.Repeat("x", 1<<20))
		}
		<-s.Cancelled
	}}
	c, _, _ := serve(t, b, gateway.Options{WriteStall: 50 * time.Millisecond})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	<-(<-streams).Cancelled
}

func TestClientThatSendsSlowlyIsCutOff(t *testing.T) {
	_, _, path := serve(t, &gatewaytest.Backend{}, gateway.Options{ReadBody: 50 * time.Millisecond})
	for _, c := range []struct{ head, want string }{
		{"POST /rbee/v1/generate HTTP/1.1\r\nContent-Type: application/json", "did not arrive within 50ms"},
		{"POST /rbee/v1/generate HTTP/1.1\r\nContent-Type: text/plain", "content type is"}, // refused unread
		{"POST /rbee/v1/generate HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", "curl needs -H"},
		{"POST /nothing HTTP/1.1", "nothing answers POST"},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s\r\nHost: queen\r\nContent-Length: 100\r\n\r\n{", c.head)
		got, err := io.ReadAll(conn) // ends only when the server closes the connection
		if err != nil || !bytes.Contains(got, []byte(c.want)) {
			t.Errorf("%s: got %q, %v", c.head, got, err)
		}
	}
}

func TestCancelByID(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("a")
		<-s.Cancelled
		s.Done("cancelled", 1)
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	r := *hello
	r.ID = "mine"
	s, err := c.Generate(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.Cancel(t.Context(), "other"); found || err != nil {
		t.Errorf("cancelled one that is not there: %v, %v", found, err)
	}
	if found, err := c.Cancel(t.Context(), "mine"); !found || err != nil {
		t.Fatalf("not found: %v", err)
	}
	got := all(t, s)
	if last := got[len(got)-1]; last.Done == nil || last.Done.FinishReason != "cancelled" {
		t.Fatalf("got %+v", last)
	}
}

func TestSpansFollowTheAnswerForWhoAsks(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Done("stop", 0) }, Trace: func(tp string) []byte { return []byte("otlp of " + tp) }}
	c, _, _ := serve(t, b, gateway.Options{})
	for _, want := range []string{"[done]", "[done spans]"} {
		r := *hello
		r.WantSpans = want != "[done]"
		r.Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		s, err := c.Generate(t.Context(), &r)
		if err != nil {
			t.Fatal(err)
		}
		got := all(t, s)
		if k := fmt.Sprint(kinds(got)); k != want {
			t.Errorf("got %s, want %s", k, want)
		}
		if r.WantSpans && string(got[1].Spans) != "otlp of "+r.Traceparent {
			t.Errorf("spans are %q", got[1].Spans)
		}
	}
}

func TestTimingsThatAreNoNumbersBecomeZero(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Event(gateway.Event{Done: &messages.Done{FinishReason: "stop", Timings: &messages.Timings{TokensPerSecond: math.Inf(1), TtftMs: math.NaN(), DecodeMs: 2}}})
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	s, err := c.Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if d := all(t, s)[0].Done; d.FinishReason != "stop" || d.Timings.TokensPerSecond != 0 || d.Timings.DecodeMS != 2 {
		t.Errorf("got %+v", d)
	}
}

func TestOtherRoutes(t *testing.T) {
	b := &gatewaytest.Backend{Rows: []*messages.WorkerState{{Id: "worker-0.1", Node: "localhost", State: "idle", SlotsTotal: 4}}}
	c, h, _ := serve(t, b, gateway.Options{})
	if v, err := c.Version(t.Context()); err != nil || v.Version == "" || v.PID != os.Getpid() {
		t.Errorf("version: %+v, %v", v, err)
	}
	if w, err := c.Workers(t.Context()); err != nil || len(w) != 1 || w[0].State != "idle" || w[0].SlotsTotal != 4 {
		t.Errorf("workers: %+v, %v", w, err)
	}
	for path, want := range map[string]int{"/healthz": 200, "/": 404, "/rbee/v1/generate": 404, "/rbee/v1/nothing": 404} {
		resp, err := h.Get("http://queen" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || !json.Valid(body) {
			t.Errorf("GET %s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func BenchmarkTokenThroughASocket(b *testing.B) {
	backend := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		for range b.N {
			s.Tokens(" hello")
		}
		s.Done("stop", int64(b.N))
	}}
	c, _, _ := serve(b, backend, gateway.Options{})
	s, err := c.Generate(context.Background(), hello)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for {
		if _, err := s.Next(); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
		s.Waiting()
	}
}

// One flush a token, and the next token only when the client has the last: the price of a token that is shown the
// moment it is made.
func BenchmarkTokenByToken(b *testing.B) {
	next := make(chan struct{})
	backend := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		for range next {
			s.Tokens(" hello")
		}
		s.Done("stop", int64(b.N))
	}}
	c, _, _ := serve(b, backend, gateway.Options{})
	next2 := func() { next <- struct{}{} }
	go next2()
	s, err := c.Generate(context.Background(), hello)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		next2()
		if _, err := s.Next(); err != nil {
			b.Fatal(err)
		}
	}
	close(next)
}
