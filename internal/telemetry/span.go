package telemetry

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Span is a finished span as a person looks at it: what --timings draws and a benchmark adds up.
type Span struct {
	TraceID, ID, Parent string // hex; Parent is "" in a root
	Service             string // the program that recorded it
	PID                 int64
	Name                string
	Start, End          time.Time
	Failed              bool
	Events              []Event
	Attributes          map[string]string
}

// Event is a moment within a span.
type Event struct {
	Name string
	At   time.Time
}

// Took is how long the span lasted.
func (s Span) Took() time.Duration { return s.End.Sub(s.Start) }

// Attr returns an attribute as text, "" if the span has none of that name.
func (s Span) Attr(key attribute.Key) string { return s.Attributes[string(key)] }

// Parse reads an OTLP ExportTraceServiceRequest, as Drain returns it, into spans sorted by their start.
// It refuses what Ingest refuses.
func Parse(otlp []byte) ([]Span, error) {
	data, err := decode(otlp)
	if err != nil {
		return nil, err
	}
	var out []Span
	for _, rs := range data.GetResourceSpans() {
		process := texts(rs.GetResource().GetAttributes())
		pid, _ := strconv.ParseInt(process["process.pid"], 10, 64)
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				span := view(s)
				span.Service, span.PID = process["service.name"], pid
				out = append(out, span)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return out, nil
}

func view(s *tracepb.Span) Span {
	out := Span{
		TraceID:    hex.EncodeToString(s.GetTraceId()),
		ID:         hex.EncodeToString(s.GetSpanId()),
		Parent:     hex.EncodeToString(s.GetParentSpanId()),
		Name:       s.GetName(),
		Start:      time.Unix(0, int64(s.GetStartTimeUnixNano())),
		End:        time.Unix(0, int64(s.GetEndTimeUnixNano())),
		Failed:     s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
		Attributes: texts(s.GetAttributes()),
	}
	for _, e := range s.GetEvents() {
		out.Events = append(out.Events, Event{e.GetName(), time.Unix(0, int64(e.GetTimeUnixNano()))})
	}
	return out
}

// texts renders scalar attributes; lists, of which we have none, are left out.
func texts(attributes []*commonpb.KeyValue) map[string]string {
	out := make(map[string]string, len(attributes))
	for _, kv := range attributes {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *commonpb.AnyValue_BoolValue:
			out[kv.GetKey()] = strconv.FormatBool(v.BoolValue)
		case *commonpb.AnyValue_IntValue:
			out[kv.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		case *commonpb.AnyValue_DoubleValue:
			out[kv.GetKey()] = strconv.FormatFloat(v.DoubleValue, 'f', -1, 64)
		}
	}
	return out
}
