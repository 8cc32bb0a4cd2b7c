package telemetry

import (
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// What a process keeps of finished spans, its own and its children's each. A command has some 20 spans of 300
// bytes; the limits are for a daemon whose keepers do not fetch theirs, and for a child gone mad.
const (
	maxSpans = 4096
	maxBytes = 1 << 20
)

// origin is who recorded a span: a process and the library within it.
type origin struct {
	key       string // equal for equal origins
	size      int
	resource  *resourcepb.Resource
	schema    string
	scope     *commonpb.InstrumentationScope
	scopeLink string
}

// record is one finished span.
type record struct {
	origin *origin
	span   *tracepb.Span
	size   int // at most what it adds to an encoded batch, in bytes
}

// split takes OTLP batches apart into spans.
func split(batches []*tracepb.ResourceSpans) []record {
	var out []record
	for _, rs := range batches {
		for _, ss := range rs.GetScopeSpans() {
			from := newOrigin(rs, ss)
			for _, s := range ss.GetSpans() {
				// 16: tags and lengths of the messages around it
				out = append(out, record{from, s, proto.Size(s) + from.size + 16})
			}
		}
	}
	return out
}

func newOrigin(rs *tracepb.ResourceSpans, ss *tracepb.ScopeSpans) *origin {
	o := &origin{resource: rs.GetResource(), schema: rs.GetSchemaUrl(), scope: ss.GetScope(), scopeLink: ss.GetSchemaUrl()}
	// Neither can fail: the messages were decoded, or made by the library.
	key, _ := proto.MarshalOptions{Deterministic: true}.Marshal(o.batch())
	o.key, o.size = string(key), len(key)
	return o
}

// batch returns spans of this origin in OTLP form.
func (o *origin) batch(spans ...*tracepb.Span) *tracepb.ResourceSpans {
	return &tracepb.ResourceSpans{
		Resource:   o.resource,
		SchemaUrl:  o.schema,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: o.scope, SchemaUrl: o.scopeLink, Spans: spans}},
	}
}

// encode returns records as an OTLP ExportTraceServiceRequest, one batch for each origin; nil if there are none.
//
// The message written is TracesData, which has the same field under the same number: the request's own package
// would link a gateway into every worker.
func encode(records []record) []byte {
	if len(records) == 0 {
		return nil
	}
	data := &tracepb.TracesData{}
	at := map[string]int{}
	for _, r := range records {
		i, ok := at[r.origin.key]
		if !ok {
			i = len(data.ResourceSpans)
			at[r.origin.key] = i
			data.ResourceSpans = append(data.ResourceSpans, r.origin.batch())
		}
		scoped := data.ResourceSpans[i].ScopeSpans[0]
		scoped.Spans = append(scoped.Spans, r.span)
	}
	b, _ := proto.Marshal(data) // valid UTF-8 was checked on the way in
	return b
}

// bag holds records up to a limit; beyond it the oldest go.
type bag struct {
	records []record
	bytes   int
	dropped int64
}

func (b *bag) add(r record) {
	b.records = append(b.records, r)
	b.bytes += r.size
	for len(b.records) > maxSpans || b.bytes > maxBytes {
		b.bytes -= b.records[0].size
		b.records[0] = record{}
		b.records = b.records[1:]
		b.dropped++
	}
}

// take removes and returns the records that match, in order.
func (b *bag) take(match func(*tracepb.Span) bool) []record {
	var taken, kept []record
	b.bytes = 0
	for _, r := range b.records {
		if match(r.span) {
			taken = append(taken, r)
			continue
		}
		kept = append(kept, r)
		b.bytes += r.size
	}
	b.records = kept
	return taken
}
