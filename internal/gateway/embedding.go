package gateway

import (
	"context"
	"net/http"

	"rbee/internal/fault"
	"rbee/internal/openai"
	"rbee/messages"
)

// embedding serves POST /v1/embeddings.
func (g *gateway) embedding(w http.ResponseWriter, r *http.Request) {
	a, err := g.arrive(w, r, "embd-")
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	req, err := openai.DecodeEmbedding(a.body)
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	x := &exchange{began: a.began, asks: "input", out: &writer{w: w}}
	s, err := g.submit(ctx, r, req.Generate(a.head.ID))
	if err != nil {
		x.refuse(fault.From(err))
		return
	}
	for {
		e, err := s.Next(ctx)
		switch {
		case ctx.Err() != nil:
			s.Cancel("client is gone")
			return
		case err != nil:
			x.refuse(lost(err))
			return
		case e.Failed != nil:
			x.refuse(e.Failed)
			return
		case e.Queued != nil:
			x.queued(e.Queued)
		case e.Done != nil:
			x.embedded(req, e.Done)
			return
		}
	}
}

// embedded answers with what was made of the inputs.
func (x *exchange) embedded(req *openai.EmbeddingRequest, d *messages.Done) {
	all := d.GetEmbeddings()
	if len(all) != len(req.Input) {
		x.refuse(fault.New(fault.Internal, "%d embeddings of %d inputs", len(all), len(req.Input)))
		return
	}
	if f := req.Fits(all); f != nil {
		x.refuse(f)
		return
	}
	u := d.GetUsage()
	if u.GetPromptTokens() == 0 {
		u = &messages.Usage{}
		for _, e := range all {
			u.PromptTokens += e.GetTokens()
		}
	}
	x.processed()
	writeBody(x.out.w, openai.AppendEmbeddings(nil, req.Model, all, req.Base64(), u))
}
