package llamacpp

import (
	"context"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// An encoder (bert, nomic-bert, ...) reads a text in both directions: it has no memory of what it was fed, generates
// nothing, and must see an input whole. So its one context is the embedder's, an input is one step of it however long it
// is, and llama.cpp does the pooling, with whatever layers the model puts behind it. A cancel is answered between two
// operations, which are as long as the input: on the models in use, of 512 tokens, some milliseconds.

// asEncoder says whether the context that was just made is an encoder's; it is then replaced by the embedder's.
func (m *model) asEncoder() (bool, error) {
	if m.memory != 0 {
		return false, nil
	}
	llama.Free(m.context)
	m.context = 0
	if llama.ModelIsDiffusion(m.weights) {
		return false, fault.New(fault.InvalidRequest, "%s writes all of a text at once, which is not served", m.info.Architecture).
			WithHint("choose a text generation model, or one for embeddings")
	}
	m.encoder = true
	return true, m.openEmbedder()
}

// encoderParams makes of an embedder's those for an encoder.
func (m *model) encoderParams(p *llama.ContextParams) {
	p.NBatch, p.NUbatch = uint32(m.info.Context), uint32(m.info.Context)
	p.PoolingType = llama.PoolingTypeUnspecified // the model's own
}

// encoderPooling completes the embedder of an encoder.
func (m *model) encoderPooling() error {
	e := &m.embedder
	switch e.pooling = llama.GetPoolingType(e.context); e.pooling {
	case llama.PoolingTypeRank:
		return fault.New(fault.InvalidRequest, "%s ranks texts: it makes no embeddings", m.info.Architecture).
			WithHint("choose a model for embeddings; rerankers are not served")
	case llama.PoolingTypeNone:
		e.pooling = llama.PoolingTypeMean
		e.ours = true
	}
	return nil
}

// refuseToGenerate is Generate's answer of an encoder.
func (m *model) refuseToGenerate() error {
	if !m.encoder {
		return nil
	}
	return fault.New(fault.InvalidRequest, "%s is an encoder: it makes embeddings and does not generate text", m.info.Architecture).
		WithHint("ask for embeddings, or choose a text generation model").With("field", "model")
}

// encode makes the embedding of the next input of j.
func (m *model) encode(j *embedding) error {
	e := &m.embedder
	tokens := j.inputs[len(j.out)]
	e.batch.clear()
	for i, t := range tokens {
		if err := e.batch.native.Add(t, llama.Pos(i), []llama.SeqId{0}, true); err != nil {
			return err
		}
	}
	rc, err := llama.Encode(e.context, e.batch.native)
	switch {
	case j.cancelled.Load():
		return context.Canceled
	case err != nil || rc != decodeDone && rc != decodeAborted:
		return fault.New(fault.Internal, "llama.cpp could not embed %d tokens (code %d): %s", len(tokens), rc, lastOf(complaints()))
	case rc == decodeAborted: // for somebody else's sake
		return nil
	}
	if e.ours {
		j.sum = make([]float64, m.info.EmbeddingLength)
		return m.takeRows(j, len(tokens))
	}
	v, err := llama.GetEmbeddingsSeq(e.context, 0, int32(m.info.EmbeddingLength))
	if err != nil || v == nil {
		return fault.New(fault.Internal, "llama.cpp has no embedding of %d tokens", len(tokens))
	}
	j.out = append(j.out, engine.Embedding{Values: append([]float32(nil), v...), Tokens: len(tokens)})
	return nil
}
