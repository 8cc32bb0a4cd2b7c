package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/messages"
)

// generate serves one completion: check, submit, then write events as they come until the terminal one.
func (g *gateway) generate(w http.ResponseWriter, r *http.Request) {
	g.answer(w, r, func(*messages.Generate) {})
}

// answer serves what set makes of a request.
func (g *gateway) answer(w http.ResponseWriter, r *http.Request, set func(*messages.Generate)) {
	req, err := g.readRequest(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	msg := toGenerate(req)
	set(msg)
	g.serve(w, r, msg, req.WantSpans)
}

// serve submits a request and writes what comes of it.
func (g *gateway) serve(w http.ResponseWriter, r *http.Request, msg *messages.Generate, wantSpans bool) {
	if f := onlyUser(CallerOf(r.Context()), msg); f != nil {
		writeError(w, f)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	stream, err := g.backend.Submit(ctx, msg)
	if err != nil {
		writeError(w, err)
		return
	}
	a := &answer{
		stream:   stream,
		incoming: read(ctx, stream),
		out:      newWriter(w, g.options.WriteStall),
		seed:     msg.GetSampling().GetSeed(),
	}
	defer a.out.disarm()
	defer a.incoming.wait()
	defer stop() // runs before the wait: the reader ends with ctx
	if cause := a.serve(ctx, g.options.Keepalive); cause != "" {
		stream.Cancel(cause)
		return
	}
	if wantSpans && a.out.begun {
		g.sendSpans(ctx, a.out, msg.GetTraceparent())
	}
}

// sendSpans follows the terminal event, which has been flushed: nobody waits for spans but who asked for them.
func (g *gateway) sendSpans(ctx context.Context, out *writer, traceparent string) {
	ctx, stop := context.WithTimeout(ctx, g.options.SpansWait)
	defer stop()
	if spans := g.backend.Spans(ctx, traceparent); len(spans) > 0 {
		out.buf = api.AppendEvent(out.buf, api.KindSpans, api.SpansData(spans))
		_ = out.flush() // the answer was delivered; a client that left now has lost nothing else
	}
}

// answer is one running completion.
type answer struct {
	stream   Stream
	incoming *incoming
	out      *writer
	seed     uint32

	made    int64 // tokens so far
	unsaid  int   // pieces in the buffer that credit has not been given for
	settled bool  // the terminal event is in the buffer
}

// maxBatch is when a batch is flushed although more is waiting: it bounds the buffer, and the wait of the client.
const maxBatch = 16 << 10

// serve writes events until the answer is settled. A cause other than "" means that it was not, and why.
func (a *answer) serve(ctx context.Context, keepalive time.Duration) (cause string) {
	silence := time.NewTicker(keepalive)
	defer silence.Stop()
	for !a.settled {
		select {
		case <-ctx.Done():
			return "client is gone"
		case <-silence.C:
			a.out.buf = api.AppendKeepalive(a.out.buf)
		case i := <-a.incoming.events:
			if i.err == nil && i.event.Failed != nil && !a.out.begun && len(a.out.buf) == 0 {
				writeError(a.out.w, i.event.Failed) // nothing was said yet: the status can still tell
				return ""
			}
			a.put(i)
			a.batch()
			if ctx.Err() != nil { // then an error that was put is only the echo of this
				return "client is gone"
			}
		}
		if err := a.out.flush(); err != nil {
			return "client is gone: " + err.Error()
		}
		if a.unsaid > 0 {
			a.stream.Flushed(a.unsaid)
			a.unsaid = 0
		}
	}
	return ""
}

// batch puts what has already arrived behind the event that woke us.
func (a *answer) batch() {
	for !a.settled && len(a.out.buf) < maxBatch {
		select {
		case i := <-a.incoming.events:
			a.put(i)
		default:
			return
		}
	}
}

// put appends one event to the buffer.
func (a *answer) put(i item) {
	e, b := i.event, a.out.buf
	switch {
	case i.err != nil:
		b = a.fail(b, lost(i.err))
	case e.Tokens != nil:
		for _, piece := range e.Tokens.GetPieces() {
			if piece != "" { // a token that ended in the middle of a character says nothing yet
				b = api.AppendToken(b, piece)
			}
		}
		a.made += int64(len(e.Tokens.GetPieces()))
		a.unsaid += len(e.Tokens.GetPieces())
	case e.Narration != nil:
		n := e.Narration
		b = api.AppendEvent(b, api.KindNarration, api.Narration{
			Source: n.GetSource(), Text: n.GetText(), Kind: n.GetKind(), Progress: finite(n.GetProgress())})
	case e.Queued != nil:
		b = api.AppendEvent(b, api.KindNarration, api.Narration{Source: "rbee-hive", Kind: "wait", Text: queuedText(e.Queued)})
	case e.Accepted != nil:
		b = api.AppendEvent(b, api.KindAccepted, api.Accepted{
			Worker: e.Accepted.GetWorker(), Model: e.Accepted.GetModelPath(),
			Backend: e.Accepted.GetBackend(), LoadedBefore: e.Accepted.GetLoadedBefore()})
	case e.Prefill != nil:
		b = api.AppendEvent(b, api.KindPrefill, api.Prefill{Done: e.Prefill.GetDone(), Total: e.Prefill.GetTotal()})
	case e.Done != nil:
		b = api.AppendEvent(b, api.KindDone, toDone(e.Done, a.seed))
		a.settled = true
	case e.Failed != nil:
		b = a.fail(b, e.Failed)
	}
	a.out.buf = b
}

func (a *answer) fail(b []byte, e *fault.Error) []byte {
	a.settled = true
	return api.AppendEvent(b, api.KindError, api.Failure{Error: e, Usage: api.Usage{CompletionTokens: a.made}})
}

// lost is what a stream's own end means when no terminal event came before it.
func lost(err error) *fault.Error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Internal, "the request ended without an answer")
	}
	return fault.From(err)
}
