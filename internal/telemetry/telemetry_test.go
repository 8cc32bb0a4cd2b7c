package telemetry

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// level is one process of a tree, as far as tracing goes.
type level struct {
	*Telemetry
	ctx   context.Context
	start trace.Span // the owner's span around the child's start
}

// descend starts a child the way a link does: the trace context of the owner's span crosses as text.
func descend(owner level, span, service string) level {
	ctx, start := owner.Tracer().Start(owner.ctx, span)
	child := Start(Options{Service: service, Enabled: true, Traceparent: Inject(ctx)})
	return level{child, child.Context(context.Background()), start}
}

func mustParse(t *testing.T, otlp []byte) []Span {
	t.Helper()
	spans, err := Parse(otlp)
	if err != nil {
		t.Fatal(err)
	}
	return spans
}

func TestFourProcessesMakeOneTrace(t *testing.T) {
	root := Start(Options{Service: "rbee", Enabled: true})
	ctx, infer := root.Tracer().Start(context.Background(), SpanInfer)
	keeper := level{root, ctx, infer}
	queen := descend(keeper, SpanStartQueen, "queen-rbee")
	hive := descend(queen, SpanStartHive, "rbee-hive")
	worker := descend(hive, SpanStartWorker, "llm-worker-rbee")

	_, decode := worker.Tracer().Start(worker.ctx, SpanDecode)
	decode.AddEvent(EventFirstToken)
	decode.End()
	for _, l := range []level{worker, hive, queen, keeper} {
		l.start.End()
	}
	for _, up := range []struct{ child, owner level }{{worker, hive}, {hive, queen}, {queen, keeper}} {
		if err := up.owner.Ingest(up.child.Drain()); err != nil {
			t.Fatal(err)
		}
	}
	spans := mustParse(t, keeper.Drain())

	want := map[string]struct{ service, parent string }{
		SpanInfer:       {"rbee", ""},
		SpanStartQueen:  {"rbee", SpanInfer},
		SpanStartHive:   {"queen-rbee", SpanStartQueen},
		SpanStartWorker: {"rbee-hive", SpanStartHive},
		SpanDecode:      {"llm-worker-rbee", SpanStartWorker},
	}
	if len(spans) != len(want) {
		t.Fatalf("%d spans came out, want %d: %v", len(spans), len(want), spans)
	}
	names := map[string]string{"": ""}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	for _, s := range spans {
		if w := want[s.Name]; s.Service != w.service || names[s.Parent] != w.parent {
			t.Errorf("%q is of %q under %q, want %+v", s.Name, s.Service, names[s.Parent], w)
		}
		if s.TraceID != spans[0].TraceID {
			t.Errorf("%q is of another trace", s.Name)
		}
		if s.PID == 0 {
			t.Errorf("%q has no pid", s.Name)
		}
		if s.Name == SpanDecode && (len(s.Events) != 1 || s.Events[0].Name != EventFirstToken) {
			t.Errorf("events of decode: %v", s.Events)
		}
	}
}

func TestDrainForgetsWhatItReturned(t *testing.T) {
	tel := Start(Options{Service: "a", Enabled: true})
	end(tel, "one")
	if n := len(mustParse(t, tel.Drain())); n != 1 {
		t.Fatalf("%d spans, want 1", n)
	}
	if b := tel.Drain(); b != nil {
		t.Fatalf("a second Drain returned %d bytes", len(b))
	}
}

func TestServiceNameIsTheProgramWhateverTheEnvironmentSays(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "somebody else")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab")
	tel := Start(Options{Service: "rbee-hive", Enabled: true})
	end(tel, "one")
	b := tel.Drain()
	if s := mustParse(t, b)[0]; s.Service != "rbee-hive" {
		t.Errorf("service is %q", s.Service)
	}
	if !strings.Contains(string(b), "deployment.environment.name") {
		t.Error("OTEL_RESOURCE_ATTRIBUTES are lost")
	}
}

func TestAFollowerRecordsOnlyForThoseWhoAsk(t *testing.T) {
	daemon := Start(Options{Service: "queen-rbee", Enabled: true, Follow: true})
	end(daemon, "of nobody")
	keeper := Start(Options{Service: "rbee", Enabled: true})
	ctx, span := keeper.Tracer().Start(context.Background(), SpanInfer)
	_, http := daemon.Tracer().Start(Extract(context.Background(), Inject(ctx)), SpanHTTP)
	http.End()
	spans := mustParse(t, daemon.Drain())
	if len(spans) != 1 || spans[0].Name != SpanHTTP || spans[0].TraceID != span.SpanContext().TraceID().String() {
		t.Errorf("the follower recorded %v, want the keeper's %q only", spans, SpanHTTP)
	}
}

func TestAClaimedTraceWaitsForTakeTrace(t *testing.T) {
	tel := Start(Options{Service: "queen-rbee", Enabled: true})
	_, mine := tel.Tracer().Start(context.Background(), "of a keeper")
	id := mine.SpanContext().TraceID()
	release := tel.Claim(id)
	mine.End()
	end(tel, "of the daemon")
	if spans := mustParse(t, tel.Drain()); len(spans) != 1 || spans[0].Name != "of the daemon" {
		t.Errorf("Drain returned %v, want the unclaimed span only", spans)
	}
	if spans := mustParse(t, tel.TakeTrace(id)); len(spans) != 1 || spans[0].Name != "of a keeper" {
		t.Errorf("TakeTrace returned %v", spans)
	}
	release()
	release()
	_, late := tel.Tracer().Start(trace.ContextWithSpan(context.Background(), mine), "late")
	late.End()
	if spans := mustParse(t, tel.Drain()); len(spans) != 1 {
		t.Errorf("after release Drain returned %v, want the late span", spans)
	}
}

func TestOnSpansCallsOncePerBatch(t *testing.T) {
	tel := Start(Options{Service: "a", Enabled: true})
	calls := 0
	end(tel, "before")
	tel.OnSpans(func() { calls++ })
	if calls != 1 {
		t.Fatalf("%d calls with a span waiting already, want 1", calls)
	}
	end(tel, "more")
	if calls != 1 {
		t.Fatalf("%d calls before a Drain, want 1", calls)
	}
	tel.Drain()
	end(tel, "again")
	child := Start(Options{Service: "b", Enabled: true})
	end(child, "below")
	if err := tel.Ingest(child.Drain()); err != nil {
		t.Fatal(err)
	}
	if calls != 2 {
		t.Fatalf("%d calls after the Drain, want 2", calls)
	}
}

func TestASpanWithBytesThatAreNoTextIsKept(t *testing.T) {
	tel := Start(Options{Service: "a", Enabled: true})
	_, s := tel.Tracer().Start(context.Background(), "bad\xff")
	s.SetAttributes(AttrModelPath.String("/m/\xfe.gguf"), AttrNode.StringSlice([]string{"\xff"}))
	s.SetStatus(codes.Error, "no \xff")
	s.AddEvent("e\xff")
	s.End()
	end(tel, "good")
	owner := Start(Options{Service: "b", Enabled: true})
	if err := owner.Ingest(tel.Drain()); err != nil {
		t.Fatal(err)
	}
	spans := mustParse(t, owner.Drain())
	if len(spans) != 2 || spans[0].Name != "bad\uFFFD" || spans[0].Attr(AttrModelPath) != "/m/\uFFFD.gguf" || !spans[0].Failed {
		t.Errorf("got %+v", spans)
	}
}

func TestASpanThatAnOwnerWouldRefuseDoesNotSpoilTheBatch(t *testing.T) {
	tel := Start(Options{Service: "a", Enabled: true})
	end(tel, strings.Repeat("x", maxName+1))
	end(tel, "good")
	if err := Start(Options{Service: "b", Enabled: true}).Ingest(tel.Drain()); err != nil {
		t.Error(err)
	}
}

func TestExtractIgnoresWhatIsNoTraceContext(t *testing.T) {
	for _, text := range []string{"", "x", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("0", 1<<16)} {
		if trace.SpanContextFromContext(Extract(context.Background(), text)).IsValid() {
			t.Errorf("Extract took %.60q for a trace context", text)
		}
	}
}

func TestOffAndNilRecordNothing(t *testing.T) {
	for name, tel := range map[string]*Telemetry{"off": Start(Options{Service: "a"}), "nil": nil} {
		_, s := tel.Tracer().Start(tel.Context(context.Background()), "one")
		s.End()
		tel.OnSpans(func() { t.Errorf("%s: woken", name) })
		tel.Claim(trace.TraceID{1})()
		if tel.Enabled() || s.IsRecording() || tel.Drain() != nil || tel.TakeTrace(trace.TraceID{}) != nil ||
			tel.Ingest([]byte("x")) != nil || tel.Dropped() != 0 {
			t.Errorf("%s: something is recorded", name)
		}
	}
}

func TestASpanCostsNoAllocationWhenOff(t *testing.T) {
	tracer, ctx := Start(Options{Service: "a"}).Tracer(), context.Background()
	if n := testing.AllocsPerRun(100, func() { _, s := tracer.Start(ctx, SpanDecode); s.End() }); n != 0 {
		t.Errorf("%v allocations a span", n)
	}
}

func end(t *Telemetry, name string) {
	_, s := t.Tracer().Start(context.Background(), name)
	s.End()
}

func BenchmarkSpanOff(b *testing.B) { span(b, Start(Options{Service: "a"})) }
func BenchmarkSpanOn(b *testing.B)  { span(b, Start(Options{Service: "a", Enabled: true})) }

func span(b *testing.B, t *Telemetry) {
	b.ReportAllocs()
	tracer, ctx := t.Tracer(), context.Background()
	for b.Loop() {
		_, s := tracer.Start(ctx, SpanDecode)
		s.End()
	}
}

func BenchmarkStartOff(b *testing.B) { start(b, Options{Service: "a"}) }
func BenchmarkStartOn(b *testing.B)  { start(b, Options{Service: "a", Enabled: true}) }

func start(b *testing.B, o Options) {
	b.ReportAllocs()
	for b.Loop() {
		Start(o)
	}
}
