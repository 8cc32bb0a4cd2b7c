package telemetry

import (
	"errors"
	"fmt"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// What is believed of a child's bytes.
const (
	maxMessage  = 2 * maxBytes // the most that Drain returns
	maxName     = 256          // bytes of a span's or event's name
	maxNested   = 4            // depth of lists in an attribute
	maxElements = 256 << 10    // messages within a message: a decoded one costs 100 bytes, an encoded one 2
)

// Ingest takes in what a child's Drain or TakeTrace returned. Bytes that are not a well-formed batch of spans within
// our limits are refused as a whole, with an error for the log; nothing of them is kept. Nil bytes are fine.
func (t *Telemetry) Ingest(otlp []byte) error {
	if !t.Enabled() || len(otlp) == 0 {
		return nil
	}
	data, err := decode(otlp)
	if err != nil {
		return fmt.Errorf("cannot take in a child's spans: %w", err)
	}
	t.spans.add(childrens, split(data.GetResourceSpans()))
	return nil
}

// decode reads an OTLP ExportTraceServiceRequest from an untrusted peer.
func decode(otlp []byte) (*tracepb.TracesData, error) {
	if len(otlp) > maxMessage {
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(otlp), maxMessage)
	}
	if err := count(otlp); err != nil {
		return nil, err
	}
	data := &tracepb.TracesData{}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(otlp, data); err != nil {
		return nil, err
	}
	for _, rs := range data.GetResourceSpans() {
		if err := checkValues(rs.GetResource().GetAttributes()); err != nil {
			return nil, fmt.Errorf("resource: %w", err)
		}
		for _, ss := range rs.GetScopeSpans() {
			if err := checkValues(ss.GetScope().GetAttributes()); err != nil {
				return nil, fmt.Errorf("scope: %w", err)
			}
			for _, s := range ss.GetSpans() {
				if err := check(s); err != nil {
					return nil, fmt.Errorf("span %.40q: %w", s.GetName(), err)
				}
			}
		}
	}
	return data, nil
}

var errNesting = errors.New("attribute nested too deep")

// check refuses a span that an exporter or a drawing would choke on.
func check(s *tracepb.Span) error {
	switch {
	case len(s.GetTraceId()) != 16 || allZero(s.GetTraceId()):
		return fmt.Errorf("trace id of %d bytes, want 16 not all zero", len(s.GetTraceId()))
	case len(s.GetSpanId()) != 8 || allZero(s.GetSpanId()):
		return fmt.Errorf("span id of %d bytes, want 8 not all zero", len(s.GetSpanId()))
	case len(s.GetParentSpanId()) != 0 && len(s.GetParentSpanId()) != 8:
		return fmt.Errorf("parent id of %d bytes, want none or 8", len(s.GetParentSpanId()))
	case s.GetName() == "" || len(s.GetName()) > maxName:
		return fmt.Errorf("name of %d bytes, want 1 to %d", len(s.GetName()), maxName)
	case s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano():
		return errors.New("ends before it starts")
	case s.GetEndTimeUnixNano() > 1<<63-1:
		return errors.New("ends after the year 2262")
	}
	if err := checkValues(s.GetAttributes()); err != nil {
		return err
	}
	for _, e := range s.GetEvents() {
		if e.GetName() == "" || len(e.GetName()) > maxName {
			return fmt.Errorf("event name of %d bytes, want 1 to %d", len(e.GetName()), maxName)
		}
		if e.GetTimeUnixNano() > 1<<63-1 {
			return errors.New("event after the year 2262")
		}
		if err := checkValues(e.GetAttributes()); err != nil {
			return err
		}
	}
	for _, l := range s.GetLinks() {
		if len(l.GetTraceId()) != 16 || len(l.GetSpanId()) != 8 {
			return errors.New("link with a malformed id")
		}
		if err := checkValues(l.GetAttributes()); err != nil {
			return err
		}
	}
	return nil
}

func checkValues(attributes []*commonpb.KeyValue) error {
	for _, kv := range attributes {
		if err := checkValue(kv.GetValue(), maxNested); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(v *commonpb.AnyValue, depth int) error {
	if depth == 0 {
		return errNesting
	}
	for _, e := range v.GetArrayValue().GetValues() {
		if err := checkValue(e, depth-1); err != nil {
			return err
		}
	}
	for _, e := range v.GetKvlistValue().GetValues() {
		if err := checkValue(e.GetValue(), depth-1); err != nil {
			return err
		}
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
