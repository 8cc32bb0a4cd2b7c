package worker

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// errCancelled ends a request that somebody does not want any more.
var errCancelled = errors.New("cancelled")

// request is one generation under way.
type request struct {
	*messages.Generate
	out     *outbox
	cancel  context.CancelCauseFunc
	arrived time.Time
	load    time.Duration // of the model, if it was loaded for this request
}

// run generates the answer; it returns the message that ends the request.
func (r *request) run(ctx context.Context, m engine.Model, tracer trace.Tracer) (*messages.Done, *messages.Failed) {
	if r.GetEmbed() {
		return r.embed(ctx, m)
	}
	res, err := m.Generate(ctx, engineRequest(r.Generate), func(e engine.Event) error {
		if e.Prefill != nil {
			r.out.prefill(e.Prefill.Done, e.Prefill.Total)
			return nil
		}
		p := piece{text: e.Text, id: e.Token}
		if r.GetSampling().TopLogprobs != nil {
			p.logprob = tokenLogprob(e)
		}
		return r.out.put(ctx, p)
	})
	end := time.Now()
	r.trace(ctx, tracer, res, end)
	if err != nil && ctx.Err() == nil {
		return nil, &messages.Failed{Id: r.Id, Error: messages.FromFault(fault.From(err))}
	}
	if err != nil {
		res.FinishReason = engine.FinishCancelled
	}
	done := &messages.Done{
		Id:           r.Id,
		FinishReason: res.FinishReason,
		Usage: &messages.Usage{PromptTokens: int64(res.PromptTokens), CompletionTokens: int64(res.CompletionTokens),
			CachedTokens: int64(res.CachedTokens)},
		Timings: &messages.Timings{LoadMs: ms(r.load), QueueMs: ms(res.Queued), PrefillMs: ms(res.Prefill), DecodeMs: ms(res.Decode)},
	}
	if !res.FirstToken.IsZero() {
		done.Timings.TtftMs = ms(res.FirstToken.Sub(r.arrived))
	}
	if res.CompletionTokens > 1 && res.Decode > 0 {
		done.Timings.TokensPerSecond = float64(res.CompletionTokens-1) / res.Decode.Seconds()
	}
	return done, nil
}

// rest sends what was not sent yet, before a message that has no room for it.
func (r *request) rest(send func(proto.Message)) {
	a, t := r.out.close()
	if a != nil {
		send(a)
	}
	if t != nil {
		send(t)
	}
}

// embed makes embeddings instead of an answer.
func (r *request) embed(ctx context.Context, m engine.Model) (*messages.Done, *messages.Failed) {
	inputs := make([]engine.Input, len(r.GetInputs()))
	for i, in := range r.GetInputs() {
		inputs[i] = engine.Input{Text: in.GetText(), Tokens: in.GetTokens()}
	}
	if f := tooMany(len(inputs), m.Info().EmbeddingLength); f != nil {
		r.out.close()
		return nil, &messages.Failed{Id: r.Id, Error: messages.FromFault(f)}
	}
	all, err := m.Embed(ctx, inputs)
	if err != nil && ctx.Err() == nil {
		return nil, &messages.Failed{Id: r.Id, Error: messages.FromFault(fault.From(err))}
	}
	done := &messages.Done{Id: r.Id, FinishReason: engine.FinishStop, Usage: &messages.Usage{},
		Timings: &messages.Timings{LoadMs: ms(r.load), PrefillMs: ms(time.Since(r.arrived))}}
	if err != nil {
		done.FinishReason = engine.FinishCancelled
	}
	for _, e := range all {
		done.Embeddings = append(done.Embeddings, &messages.Embedding{Values: e.Values, Tokens: int64(e.Tokens)})
		done.Usage.PromptTokens += int64(e.Tokens)
	}
	return done, nil
}

// maxVectors is how many bytes of vectors one Done may carry: it travels as one message, and two of them, which may be
// sent together, must fit the most that internal/transport takes.
const maxVectors = 24 << 20

// tooMany refuses, before anything is computed, inputs whose vectors would not fit a message.
func tooMany(inputs, length int) *fault.Error {
	most := maxVectors / (4 * max(1, length))
	if inputs <= most {
		return nil
	}
	return fault.New(fault.InvalidRequest, "%d inputs make %d vectors of %d numbers: at most %d fit an answer", inputs, inputs, length, most).
		WithHint("send %d inputs or fewer at a time", most).With("field", "input")
}

// trace records the request's spans after the fact, from the engine's own times: decoding pays nothing for them.
func (r *request) trace(ctx context.Context, tracer trace.Tracer, res engine.Result, end time.Time) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	begin := r.arrived.Add(res.Queued)
	span := func(name string, from, to time.Time, kv ...attribute.KeyValue) trace.Span {
		_, s := tracer.Start(ctx, name, trace.WithTimestamp(from), trace.WithAttributes(kv...))
		defer s.End(trace.WithTimestamp(to))
		return s
	}
	if res.Queued > 0 {
		span(telemetry.SpanQueue, r.arrived, begin)
	}
	first := res.FirstToken
	if first.IsZero() {
		first = end
	}
	span(telemetry.SpanPrefill, begin, first, telemetry.AttrPromptTokens.Int(res.PromptTokens))
	if res.FirstToken.IsZero() {
		return
	}
	_, s := tracer.Start(ctx, telemetry.SpanDecode, trace.WithTimestamp(first), trace.WithAttributes(
		telemetry.AttrCompletionTokens.Int(res.CompletionTokens), telemetry.AttrFinishReason.String(res.FinishReason)))
	s.AddEvent(telemetry.EventFirstToken, trace.WithTimestamp(first))
	s.End(trace.WithTimestamp(end))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
