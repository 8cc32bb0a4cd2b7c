package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

// The one header of the W3C trace context that crosses a link; there is no tracestate in a tree of ours.
const traceparent = "traceparent"

// Inject returns the trace context of ctx's span in the W3C form, "" if ctx has none.
func Inject(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// Extract returns ctx as a child of the span that Inject described; ctx itself if the text is "" or malformed.
func Extract(ctx context.Context, text string) context.Context {
	if text == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: text})
}
