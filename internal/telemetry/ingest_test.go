package telemetry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// honest returns a span that every check accepts.
func honest() *tracepb.Span {
	return &tracepb.Span{
		TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8),
		Name: SpanDecode, StartTimeUnixNano: 10, EndTimeUnixNano: 20,
	}
}

func wire(t testing.TB, spans ...*tracepb.Span) []byte {
	t.Helper()
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "w")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func nested(depth int) *commonpb.AnyValue {
	v := &commonpb.AnyValue{}
	for range depth {
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{v}}}}
	}
	return v
}

// empties returns n encoded messages of two bytes each under field.
func empties(field protowire.Number, n int) []byte {
	return bytes.Repeat(protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), nil), n)
}

func in(field protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
}

func TestIngestRefusesAHostileChild(t *testing.T) {
	with := func(change func(*tracepb.Span)) []byte {
		s := honest()
		change(s)
		return wire(t, honest(), s) // one good span, to see that nothing of the message is kept
	}
	for name, c := range map[string]struct {
		otlp []byte
		says string
	}{
		"not protobuf":         {[]byte("\xff\xff\xff\xff"), "cannot parse"},
		"cut short":            {wire(t, honest())[:20], "cannot parse"},
		"too long":             {make([]byte, maxMessage+1), "at most 2097152 are read"},
		"short trace id":       {with(func(s *tracepb.Span) { s.TraceId = []byte{1} }), "trace id of 1 bytes"},
		"zero trace id":        {with(func(s *tracepb.Span) { s.TraceId = make([]byte, 16) }), "not all zero"},
		"no span id":           {with(func(s *tracepb.Span) { s.SpanId = nil }), "span id of 0 bytes"},
		"long parent id":       {with(func(s *tracepb.Span) { s.ParentSpanId = make([]byte, 16) }), "parent id of 16"},
		"no name":              {with(func(s *tracepb.Span) { s.Name = "" }), "name of 0 bytes"},
		"long name":            {with(func(s *tracepb.Span) { s.Name = strings.Repeat("n", 300) }), "name of 300 bytes"},
		"ends before it began": {with(func(s *tracepb.Span) { s.EndTimeUnixNano = 1 }), "ends before it starts"},
		"end of time":          {with(func(s *tracepb.Span) { s.EndTimeUnixNano = 1 << 63 }), "2262"},
		"late event": {with(func(s *tracepb.Span) {
			s.Events = []*tracepb.Span_Event{{Name: "e", TimeUnixNano: 1 << 63}}
		}), "event after"},
		"event without name": {with(func(s *tracepb.Span) { s.Events = []*tracepb.Span_Event{{}} }), "event name of 0"},
		"bad link":           {with(func(s *tracepb.Span) { s.Links = []*tracepb.Span_Link{{}} }), "link with"},
		"deep attribute": {with(func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "k", Value: nested(maxNested + 1)}}
		}), "nested too deep"},
		"very deep attribute": {with(func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "k", Value: nested(2000)}}
		}), "messages in it"},
		"a million batches":    {empties(1, 1<<20), "messages in it"},
		"a million spans":      {in(1, in(2, empties(2, 1<<20-64))), "messages in it"},
		"a million attributes": {in(1, in(2, in(2, empties(9, 1<<20-64)))), "messages in it"},
		"a million values":     {in(1, in(2, in(2, in(9, in(2, in(5, empties(1, 1<<20-64))))))), "messages in it"},
	} {
		t.Run(name, func(t *testing.T) {
			tel := Start(Options{Service: "owner", Enabled: true})
			err := tel.Ingest(c.otlp)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Ingest returned %v, want an error with %q", err, c.says)
			}
			if b := tel.Drain(); b != nil {
				t.Errorf("%d bytes of it were kept", len(b))
			}
		})
	}
}

func TestAFloodFromAChildLeavesTheOwnersSpans(t *testing.T) {
	tel := Start(Options{Service: "owner", Enabled: true})
	end(tel, "mine")
	var flood []*tracepb.Span
	for i := range 3000 {
		s := honest()
		s.Name = fmt.Sprint(i)
		flood = append(flood, s)
	}
	for range 3 {
		if err := tel.Ingest(wire(t, flood...)); err != nil {
			t.Fatal(err)
		}
	}
	if n := tel.Dropped(); n != 3*3000-maxSpans {
		t.Errorf("%d spans were dropped, want %d", n, 3*3000-maxSpans)
	}
	spans := mustParse(t, tel.Drain())
	if len(spans) != maxSpans+1 {
		t.Errorf("%d spans were kept, want %d", len(spans), maxSpans+1)
	}
	found := false
	for _, s := range spans {
		found = found || s.Name == "mine"
	}
	if !found {
		t.Error("the owner's span was pushed out")
	}
}

func TestWhatIsKeptIsBoundedInBytesAndFitsOneMessage(t *testing.T) {
	tel := Start(Options{Service: "owner", Enabled: true})
	big := honest()
	big.Attributes = []*commonpb.KeyValue{text("k", strings.Repeat("v", 64<<10))}
	for range 40 {
		if err := tel.Ingest(wire(t, big)); err != nil {
			t.Fatal(err)
		}
	}
	filler := strings.Repeat("f", 1000)
	for range 2000 {
		_, s := tel.Tracer().Start(t.Context(), "own")
		s.SetAttributes(AttrModelPath.String(filler))
		s.End()
	}
	b := tel.Drain()
	if len(b) > maxMessage || len(b) < maxMessage*8/10 {
		t.Errorf("Drain returned %d bytes, want nearly %d", len(b), maxMessage)
	}
	if err := Start(Options{Service: "above", Enabled: true}).Ingest(b); err != nil {
		t.Errorf("an owner refuses a full batch: %v", err)
	}
}

// A full batch of ordinary spans must pass the owner's limits too.
func TestAFullBatchOfOrdinarySpansIsTakenIn(t *testing.T) {
	tel := Start(Options{Service: "owner", Enabled: true})
	for range 2 * maxSpans {
		_, s := tel.Tracer().Start(t.Context(), SpanDecode)
		s.SetAttributes(AttrForced.Bool(true), AttrAttempt.Int(1), AttrGrace.Int(5), AttrNode.String("a"), AttrReused.Bool(true))
		s.End()
	}
	b := tel.Drain()
	above := Start(Options{Service: "above", Enabled: true})
	if err := above.Ingest(b); err != nil {
		t.Fatal(err)
	}
	if len(above.Drain()) == 0 {
		t.Error("nothing was kept")
	}
}

func FuzzIngest(f *testing.F) {
	f.Add(wire(f, honest()))
	f.Add(empties(1, 10))
	f.Add(in(1, in(2, in(2, in(9, in(2, in(5, empties(1, 3))))))))
	tel := Start(Options{Service: "child", Enabled: true})
	end(tel, "one")
	f.Add(tel.Drain())
	f.Fuzz(func(t *testing.T, otlp []byte) {
		owner := Start(Options{Service: "owner", Enabled: true})
		if owner.Ingest(otlp) != nil {
			return
		}
		// What was taken in must be acceptable at every level above.
		b := owner.Drain()
		if b == nil {
			return
		}
		spans, err := Parse(b)
		if err != nil {
			t.Fatalf("accepted, but its own output is refused: %v", err)
		}
		if c := Coverage(spans); c < 0 || c > 1 {
			t.Fatalf("coverage %v", c)
		}
	})
}
