package telemetry

import (
	"context"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/version"
)

// scope is the instrumentation scope of every span of ours.
const scope = "rbee"

// Options says what one process records.
type Options struct {
	// Service is the program's name and becomes service.name, whatever OTEL_SERVICE_NAME says: a trace in which
	// four programs bear one name explains nothing. Other OTEL_RESOURCE_ATTRIBUTES are kept.
	Service string
	// Enabled records spans; without it nothing is recorded, ever.
	Enabled bool
	// Traceparent is the W3C trace context of the span that started this process; "" in a root.
	Traceparent string
	// Follow records only what belongs to a trace that somebody above began. A daemon that exports nothing
	// itself, and everything below it, follows: it records for those keepers that ask, and costs the others nothing.
	Follow bool
}

// Telemetry is one process's recorder. A nil *Telemetry is one that records nothing.
type Telemetry struct {
	tracer  trace.Tracer
	started trace.SpanContext // of the span that started this process
	spans   *collector        // nil: off
}

// Start returns the recorder of this process. It sets no global, starts no goroutine and needs no stop:
// what was not drained is lost with the process.
func Start(o Options) *Telemetry {
	if !o.Enabled {
		return &Telemetry{tracer: off{}}
	}
	c := &collector{}
	var sampler sdktrace.Sampler = sdktrace.AlwaysSample()
	if o.Follow {
		sampler = sdktrace.ParentBased(sdktrace.NeverSample())
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sampler),
		sdktrace.WithResource(describe(o.Service)),
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithSpanProcessor(processor{otlptrace.NewUnstarted(encoder{c})}),
	)
	return &Telemetry{
		tracer:  provider.Tracer(scope),
		started: trace.SpanContextFromContext(Extract(context.Background(), o.Traceparent)),
		spans:   c,
	}
}

// limits of one span of ours. They lie within what check allows, so that an owner never refuses honest spans.
var limits = sdktrace.SpanLimits{
	AttributeValueLengthLimit:   1024,
	AttributeCountLimit:         64,
	EventCountLimit:             64,
	LinkCountLimit:              8,
	AttributePerEventCountLimit: 16,
	AttributePerLinkCountLimit:  16,
}

func describe(service string) *sdkresource.Resource {
	host, _ := os.Hostname() // an unnamed host is no reason to record nothing
	return sdkresource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceName(service),
		semconv.ServiceVersion(version.Build()),
		semconv.ProcessPID(os.Getpid()),
		semconv.HostName(host),
	)
}

// Enabled reports whether spans are recorded, for the few places where finding out an attribute costs something.
func (t *Telemetry) Enabled() bool { return t != nil && t.spans != nil }

// Tracer begins spans. It is safe to use when off.
func (t *Telemetry) Tracer() trace.Tracer {
	if t == nil {
		return off{}
	}
	return t.tracer
}

// Context returns ctx as a child of the span that started this process (Options.Traceparent); ctx itself if
// there is none.
func (t *Telemetry) Context(ctx context.Context) context.Context {
	if t == nil || !t.started.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, t.started)
}
