package export

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"rbee/internal/version"
)

// The exporters' retries begin after 5 s, when our deadline is long over; without them a refused connection is
// reported at once.

func traceClient(protocol string) otlptrace.Client {
	if protocol == grpcProtocol {
		return otlptracegrpc.NewClient(otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	}
	return otlptracehttp.NewClient(otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
}

// meterProvider exports every minute, which is for a daemon, and when it is shut down; protocol "" exports nothing.
// reader may be nil. If the collector cannot be used there is a provider all the same, for the reader.
func meterProvider(protocol, service string, reader sdkmetric.Reader) (*sdkmetric.MeterProvider, error) {
	options := []sdkmetric.Option{sdkmetric.WithResource(sdkresource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceName(service), semconv.ServiceVersion(version.Build())))}
	if reader != nil {
		options = append(options, sdkmetric.WithReader(reader))
	}
	var exporter sdkmetric.Exporter
	var err error
	switch protocol {
	case "":
	case grpcProtocol:
		exporter, err = otlpmetricgrpc.New(context.Background(), otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
	default:
		exporter, err = otlpmetrichttp.New(context.Background(), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	}
	if protocol != "" && err == nil {
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	}
	return sdkmetric.NewMeterProvider(options...), err
}

// within runs f with a deadline and does not wait for it any longer, whether it heeds the deadline or not.
func within(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // it ended the context itself
		return err
	default:
		return ctx.Err()
	}
}
