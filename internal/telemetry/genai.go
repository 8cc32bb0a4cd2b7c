package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The names of OpenTelemetry's conventions for generative AI, which are in development there and in no package of
// constants: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
const (
	attrOperation = attribute.Key("gen_ai.operation.name")
	attrProvider  = attribute.Key("gen_ai.provider.name")
	attrModel     = attribute.Key("gen_ai.request.model")
	attrTokenType = attribute.Key("gen_ai.token.type")
	attrErrorType = attribute.Key("error.type")
)

// The buckets are the convention's, in seconds and in tokens.
var (
	durationBuckets   = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	firstTokenBuckets = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	perTokenBuckets   = []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}
	tokenBuckets      = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
)

// Request is one request that is over. A zero value was not seen.
type Request struct {
	Operation string // chat, text_completion, embeddings
	Model     string // of a bounded set
	Error     string // a fault.Code; "" = answered

	Duration   time.Duration // from its arrival to its end
	Wait       time.Duration // until a worker took it
	FirstToken time.Duration // until the first token came from the worker
	PerToken   time.Duration // between one and the next, after the first

	Input, Output, Cached int64 // tokens
	Loaded                bool  // a model was loaded for it, which took Load
	Load                  time.Duration
}

// requests are the instruments of a Request.
type requests struct {
	duration, first, each, wait, load metric.Float64Histogram
	tokens                            metric.Int64Histogram
	cached                            metric.Int64Counter
}

func newRequests(meter metric.Meter) requests {
	seconds := func(name, description string, buckets []float64) metric.Float64Histogram {
		h, _ := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
		return h
	}
	tokens, _ := meter.Int64Histogram("gen_ai.client.token.usage", metric.WithUnit("{token}"),
		metric.WithDescription("Tokens of prompts and of answers"), metric.WithExplicitBucketBoundaries(tokenBuckets...))
	cached, _ := meter.Int64Counter("rbee.tokens.cached", metric.WithUnit("{token}"), metric.WithDescription("Tokens of prompts that a worker still had"))
	return requests{
		duration: seconds("gen_ai.server.request.duration", "From a request's arrival to its end", durationBuckets),
		first:    seconds("gen_ai.server.time_to_first_token", "From a request's arrival to its first token", firstTokenBuckets),
		each:     seconds("gen_ai.server.time_per_output_token", "Between one token and the next, after the first", perTokenBuckets),
		wait:     seconds("rbee.request.wait", "From a request's arrival until a worker took it", durationBuckets),
		load:     seconds("rbee.model.load.duration", "Loading a model", durationBuckets),
		tokens:   tokens, cached: cached,
	}
}

// Request counts a request that is over.
func (m *Metrics) Request(r Request) {
	if m == nil {
		return
	}
	all := []attribute.KeyValue{attrOperation.String(r.Operation), attrProvider.String("rbee"), attrModel.String(r.Model)}
	with := metric.WithAttributes(all...)
	ctx, q := context.Background(), m.requests
	record := func(h metric.Float64Histogram, d time.Duration) {
		if d > 0 {
			h.Record(ctx, d.Seconds(), with)
		}
	}
	record(q.first, r.FirstToken)
	record(q.each, r.PerToken)
	record(q.wait, r.Wait)
	if r.Loaded {
		record(q.load, r.Load)
	}
	for kind, n := range map[string]int64{"input": r.Input, "output": r.Output} {
		if n > 0 {
			q.tokens.Record(ctx, n, with, metric.WithAttributes(attrTokenType.String(kind)))
		}
	}
	if r.Cached > 0 {
		q.cached.Add(ctx, r.Cached, with)
	}
	if r.Error != "" {
		with = metric.WithAttributes(append(all, attrErrorType.String(r.Error))...)
	}
	q.duration.Record(ctx, r.Duration.Seconds(), with)
}
