package telemetry

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// processor encodes each span where it ends. The library's own processors wait for a batch or write a warning
// about not doing so; here the batch is the collector.
type processor struct{ exporter *otlptrace.Exporter }

func (p processor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (p processor) Shutdown(context.Context) error                  { return nil }
func (p processor) ForceFlush(context.Context) error                { return nil }

func (p processor) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		_ = p.exporter.ExportSpans(context.Background(), []sdktrace.ReadOnlySpan{s}) // encoder cannot fail
	}
}

// encoder stands where the OTLP exporter has its network client, and so gets our spans in OTLP form.
type encoder struct{ to *collector }

func (encoder) Start(context.Context) error { return nil }
func (encoder) Stop(context.Context) error  { return nil }

func (e encoder) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	for _, rs := range spans {
		// A path or an error text may hold any bytes, a protobuf string may not.
		if _, err := proto.Marshal(rs); err != nil {
			repair(rs.ProtoReflect())
		}
	}
	records := split(spans)
	// An owner refuses a whole batch for one bad span, so no span leaves here that it would refuse.
	records = slices.DeleteFunc(records, func(r record) bool { return check(r.span) != nil })
	e.to.add(own, records)
	return nil
}

// repair replaces what is not UTF-8 in every string of m by U+FFFD.
func repair(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() == protoreflect.StringKind && !f.IsList():
			m.Set(f, protoreflect.ValueOfString(strings.ToValidUTF8(v.String(), "\uFFFD")))
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			for i := range v.List().Len() {
				repair(v.List().Get(i).Message())
			}
		case f.Kind() == protoreflect.MessageKind:
			repair(v.Message())
		}
		return true
	})
}
