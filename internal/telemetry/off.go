package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// off begins spans that are none. The library's noop tracer puts each into a new context, which is an allocation a
// span; here the context stays as it is, and with it whatever trace context came from above.
type off struct{ noop.Tracer }

var nothing trace.Span = noop.Span{}

func (off) Start(ctx context.Context, _ string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	return ctx, nothing
}
