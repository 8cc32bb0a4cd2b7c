package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	colmetricpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// command records what a command would: a root, and a child's spans that came up.
func command(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	keeper := telemetry.Start(telemetry.Options{Service: "rbee", Enabled: true})
	ctx, infer := keeper.Tracer().Start(context.Background(), telemetry.SpanInfer)
	worker := telemetry.Start(telemetry.Options{Service: "llm-worker-rbee", Enabled: true})
	_, decode := worker.Tracer().Start(telemetry.Extract(context.Background(), telemetry.Inject(ctx)),
		telemetry.SpanDecode, trace.WithSpanKind(trace.SpanKindServer))
	decode.AddEvent(telemetry.EventFirstToken)
	decode.End()
	if err := keeper.Ingest(worker.Drain()); err != nil {
		t.Fatal(err)
	}
	infer.End()
	return keeper
}

func open(t *testing.T, o Options) *Root {
	t.Helper()
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// environment clears what the machine's own OTEL_* variables would do to a test, and sets pairs.
func environment(t *testing.T, pairs ...string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

func TestAFileThatHoldsSomethingElseIsNotOverwritten(t *testing.T) {
	environment(t)
	path := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(path, []byte("root:x:0:0::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Service: "test", File: path})
	if err == nil || !strings.Contains(err.Error(), "not overwritten") {
		t.Errorf("%v", err)
	}
	info, err := os.Stat(path)
	if text, _ := os.ReadFile(path); err != nil || info.Mode().Perm() != 0o644 || string(text) != "root:x:0:0::/:/bin/sh\n" {
		t.Errorf("it is now %v, %q", info.Mode(), text)
	}
}

func TestTraceFileIsOTLPJSONLines(t *testing.T) {
	environment(t)
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := os.WriteFile(path, []byte(`{"resourceSpans":[]}`+"\nold\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := open(t, Options{File: path}).Close(command(t)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(text, []byte("\n")) != 1 || text[len(text)-1] != '\n' {
		t.Fatalf("want one line:\n%s", text)
	}
	// Read as another program would: by the encoding's own page, not with our code.
	var line struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []struct {
					Key   string
					Value map[string]any
				}
			}
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID      string
					Name                               string
					Kind                               int
					StartTimeUnixNano, EndTimeUnixNano string
					Events                             []struct{ Name, TimeUnixNano string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	seen := map[string]int{}
	ids, parents, traces := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, rs := range line.ResourceSpans {
		for _, kv := range rs.Resource.Attributes {
			if kv.Key == "service.name" {
				seen[kv.Value["stringValue"].(string)]++
			}
		}
		for _, s := range rs.ScopeSpans[0].Spans {
			if len(s.TraceID) != 32 || len(s.SpanID) != 16 || strings.Trim(s.TraceID+s.SpanID, "0123456789abcdef") != "" {
				t.Errorf("ids of %q are not hex: %q, %q", s.Name, s.TraceID, s.SpanID)
			}
			ids[s.Name], parents[s.Name] = s.SpanID, s.ParentSpanID
			traces[s.TraceID] = true
			if s.Name == telemetry.SpanDecode && (s.Kind != 2 || s.Events[0].Name != telemetry.EventFirstToken) {
				t.Errorf("decode is %+v, want kind 2 (server) and its event", s)
			}
			if len(s.StartTimeUnixNano) != 19 || len(s.EndTimeUnixNano) != 19 {
				t.Errorf("times of %q are not nanoseconds as text: %q", s.Name, s.StartTimeUnixNano)
			}
		}
	}
	if seen["rbee"] != 1 || seen["llm-worker-rbee"] != 1 || len(traces) != 1 {
		t.Errorf("services %v, traces %v", seen, traces)
	}
	if parents[telemetry.SpanDecode] != ids[telemetry.SpanInfer] || parents[telemetry.SpanInfer] != "" {
		t.Errorf("parents %v of %v", parents, ids)
	}
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	environment(t)
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := open(t, Options{File: path}).Close(command(t)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spans, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(spans) != 2 || spans[1].Parent != spans[0].ID || spans[1].Service != "llm-worker-rbee" ||
		spans[1].Events[0].Name != telemetry.EventFirstToken || len(spans[0].TraceID) != 32 {
		t.Errorf("read %+v", spans)
	}
}

func TestAnUnwritableTraceFileFailsBeforeTheWork(t *testing.T) {
	environment(t)
	path := filepath.Join(t.TempDir(), "missing", "trace.jsonl")
	_, err := Open(Options{File: path})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.InvalidRequest || f.Hint == "" || !strings.Contains(f.Message, path) {
		t.Errorf("got %v, want INVALID_REQUEST with the path and a hint", err)
	}
}

func TestTimingsAreDrawnAtTheEnd(t *testing.T) {
	environment(t)
	var out bytes.Buffer
	if err := open(t, Options{Timings: &out}).Close(command(t)); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "└─ "+telemetry.SpanDecode) || !strings.Contains(s, "inside named spans (2 spans, 2 processes)") {
		t.Errorf("drawn:\n%s", s)
	}
}

// collector is an OTLP collector over HTTP that keeps what it gets.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []string
	metrics []string
	headers http.Header
	got     chan struct{}
}

func collect(t *testing.T) *collector {
	c := &collector{got: make(chan struct{}, 16)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	switch r.URL.Path {
	case "/v1/traces":
		var request coltracepb.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.spans = append(c.spans, names(&request)...)
	case "/v1/metrics":
		var request colmetricpb.ExportMetricsServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, rm := range request.GetResourceMetrics() {
			for _, sm := range rm.GetScopeMetrics() {
				for _, m := range sm.GetMetrics() {
					c.metrics = append(c.metrics, m.GetName())
				}
			}
		}
	}
	c.got <- struct{}{}
}

func names(request *coltracepb.ExportTraceServiceRequest) (out []string) {
	for _, rs := range request.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				out = append(out, s.GetName())
			}
		}
	}
	return out
}

func TestTheCollectorOverHTTPGetsTheTraceAndTheMetrics(t *testing.T) {
	c := collect(t)
	environment(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_HEADERS", "x-team=bees")
	r := open(t, Options{Service: "rbee", Warn: func(err error) { t.Error(err) }})
	if !r.Wanted() {
		t.Fatal("an endpoint is set, but no spans are wanted")
	}
	telemetry.NewMetrics(r.MeterProvider()).Started("rbee-hive", 2)
	if err := r.Close(command(t)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.spans, ","); !strings.Contains(got, telemetry.SpanInfer) || !strings.Contains(got, telemetry.SpanDecode) {
		t.Errorf("spans: %s", got)
	}
	if len(c.metrics) != 1 || c.metrics[0] != "rbee.process.started" {
		t.Errorf("metrics: %v", c.metrics)
	}
	if c.headers.Get("x-team") != "bees" {
		t.Error("OTEL_EXPORTER_OTLP_HEADERS are not sent")
	}
}

type grpcCollector struct {
	coltracepb.UnimplementedTraceServiceServer
	spans []string
}

func (c *grpcCollector) Export(_ context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	c.spans = append(c.spans, names(r)...)
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

func TestTheCollectorOverGRPCGetsTheTrace(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, c := grpc.NewServer(), &grpcCollector{}
	coltracepb.RegisterTraceServiceServer(server, c)
	go server.Serve(l)
	defer server.Stop()
	environment(t, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc",
		"OTEL_METRICS_EXPORTER", "none")
	if err := open(t, Options{}).Close(command(t)); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 2 {
		t.Errorf("spans: %v", c.spans)
	}
}

func TestADeadCollectorCostsOneSecondAtMost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, in its backlog, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, protocol := range []string{protobufHTTP, grpcProtocol} {
		t.Run(protocol, func(t *testing.T) {
			environment(t, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			var out bytes.Buffer
			r := open(t, Options{Timings: &out})
			telemetry.NewMetrics(r.MeterProvider()).Started("rbee-hive", 1)
			begun := time.Now()
			err := r.Close(command(t))
			if took := time.Since(begun); took > deadline+300*time.Millisecond {
				t.Errorf("Close took %v", took)
			}
			if err == nil {
				t.Error("Close says that all was delivered")
			}
			if out.Len() == 0 {
				t.Error("the waterfall waited for the collector")
			}
		})
	}
}

func TestACollectorThatIsNotThereIsSaidAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	environment(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://somebody:secret@"+l.Addr().String()+"/v1/traces")
	begun := time.Now()
	err = open(t, Options{}).Close(command(t))
	if took := time.Since(begun); took > deadline/2 {
		t.Errorf("it took %v", took)
	}
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want the address without the password", err)
	}
}

func TestADaemonSendsSpansAsTheyCome(t *testing.T) {
	c := collect(t)
	environment(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL+"/v1/traces")
	r := open(t, Options{})
	r.every = time.Millisecond
	tel := command(t)
	r.Follow(tel)
	<-c.got // before Close
	_, s := tel.Tracer().Start(context.Background(), "last")
	s.End()
	if err := r.Close(tel); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 3 || c.spans[2] != "last" {
		t.Errorf("spans: %v", c.spans)
	}
}

func TestTheEnvironmentDecides(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env             []string
		traces, metrics string
		warns           string
	}{
		"nothing set":         {nil, "", "", ""},
		"endpoint":            {[]string{endpoint, "http://x"}, protobufHTTP, protobufHTTP, ""},
		"traces endpoint":     {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://x"}, protobufHTTP, "", ""},
		"exporter":            {[]string{"OTEL_TRACES_EXPORTER", "otlp"}, protobufHTTP, "", ""},
		"metrics exporter":    {[]string{"OTEL_METRICS_EXPORTER", "otlp"}, "", protobufHTTP, ""},
		"none":                {[]string{endpoint, "http://x", "OTEL_TRACES_EXPORTER", "none"}, "", protobufHTTP, ""},
		"disabled":            {[]string{endpoint, "http://x", "OTEL_SDK_DISABLED", "TRUE"}, "", "", ""},
		"grpc":                {[]string{endpoint, "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, grpcProtocol, grpcProtocol, ""},
		"grpc for traces":     {[]string{endpoint, "http://x", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}, grpcProtocol, protobufHTTP, ""},
		"unknown exporter":    {[]string{"OTEL_TRACES_EXPORTER", "zipkin"}, "", "", "zipkin"},
		"one of two is known": {[]string{"OTEL_TRACES_EXPORTER", "zipkin, otlp"}, protobufHTTP, "", "zipkin"},
		"unknown protocol":    {[]string{"OTEL_TRACES_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL", "smoke"}, "", "", "smoke"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.env...)
			var warned []string
			warn := func(err error) { warned = append(warned, err.Error()) }
			if got := traces.protocol(warn); got != c.traces {
				t.Errorf("traces by %q, want %q", got, c.traces)
			}
			if got := metrics.protocol(warn); got != c.metrics {
				t.Errorf("metrics by %q, want %q", got, c.metrics)
			}
			if all := strings.Join(warned, "\n"); (c.warns == "") != (all == "") || !strings.Contains(all, c.warns) {
				t.Errorf("warned %q, want %q in it", all, c.warns)
			}
		})
	}
}

func TestNothingWantedCostsNothing(t *testing.T) {
	environment(t)
	r := open(t, Options{})
	if r.Wanted() {
		t.Error("spans are wanted by nobody")
	}
	tel := telemetry.Start(telemetry.Options{Service: "rbee", Enabled: r.Wanted()})
	r.Follow(tel)
	if err := r.Close(tel); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"a"}]}]}]}` + "\n"))
	f.Add([]byte("{}{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spans, _ := Read(bytes.NewReader(text))
		var out bytes.Buffer
		if err := Waterfall(&out, spans, 80, false); err != nil {
			t.Fatal(err)
		}
	})
}
