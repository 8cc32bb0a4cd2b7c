package llamacpp

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/gguf"
)

// Embed implements engine.Model. The vector of an input is what the model's last layer makes of its tokens: of all of
// them on average, unless the model file says that the first or the last token's counts (its pooling type). It is not
// normalized.
//
// Embeddings are computed in a context of their own, made when the first are asked for, with the cells of one slot (of an
// encoder it is the only one: encoder.go). The
// loop takes turns between it and the answers, a chunk at a time, because both want the same cores.
func (m *model) Embed(ctx context.Context, inputs []engine.Input) ([]engine.Embedding, error) {
	m.users.RLock()
	defer m.users.RUnlock()
	select {
	case <-m.quit:
		return nil, errClosed
	default:
	}
	j := &embedding{done: make(chan error, 1)}
	for i, in := range inputs {
		tokens, err := m.embedTokens(i, in)
		if err != nil {
			return nil, err
		}
		j.inputs = append(j.inputs, tokens)
	}
	if len(inputs) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case m.embeds <- j:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.quit:
		return nil, errClosed
	}
	defer context.AfterFunc(ctx, func() {
		j.cancelled.Store(true)
		m.abort.raise()
		m.rouse()
	})()
	if err := <-j.done; err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return j.out, nil
}

func (m *model) embedTokens(i int, in engine.Input) ([]llama.Token, error) {
	var tokens []llama.Token
	switch {
	case in.Text != "":
		if at := strings.IndexByte(in.Text, 0); at >= 0 {
			return nil, fault.New(fault.InvalidRequest, "input %d has a zero byte at position %d", i, at).With("field", "input")
		}
		tokens = llama.Tokenize(m.vocab, in.Text, true, false)
	case len(in.Tokens) > 0:
		var err error
		if tokens, err = m.asTokens("input", in.Tokens); err != nil {
			return nil, err
		}
	}
	if len(tokens) == 0 {
		return nil, fault.New(fault.InvalidRequest, "input %d is empty", i).With("field", "input")
	}
	if len(tokens) > m.info.Context {
		return nil, fault.New(fault.ContextOverflow, "input %d has %d tokens, the context holds %d", i, len(tokens), m.info.Context).
			WithHint("shorten the input, or load with a larger --ctx").
			With("prompt_tokens", len(tokens)).With("context", m.info.Context)
	}
	return tokens, nil
}

// embedding is one call of Embed.
type embedding struct {
	inputs    [][]llama.Token
	out       []engine.Embedding
	fed       int // of the input that comes after those in out
	sum       []float64
	cancelled atomic.Bool
	done      chan error // gets one
}

// embedder is the context that embeddings are computed in; the loop's.
type embedder struct {
	context llama.Context
	memory  llama.Memory
	batch   *batch
	pooling llama.PoolingType
	ours    bool       // an encoder's rows are pooled here
	now     *embedding // nil = nobody waits
}

func (m *model) openEmbedder() error {
	e := &m.embedder
	if e.context != 0 {
		return nil
	}
	p := m.contextParams()
	p.NSeqMax, p.NCtx = 1, uint32(m.info.Context)
	p.Embeddings = 1
	p.PoolingType = llama.PoolingTypeNone // we do it: llama.cpp's ends with what is computed at once
	size := batchSize
	if m.encoder {
		m.encoderParams(&p)
		size = m.info.Context
	} else if err := m.checkSpare(); err != nil {
		return err
	}
	forgetComplaints()
	var err error
	if e.context, err = llama.InitFromModel(m.weights, p); err != nil {
		if fault.CodeOf(contextFailure(m.info)) == fault.InsufficientMemory {
			return embedShortage(m.info)
		}
		return contextFailure(m.info)
	}
	e.batch = newBatch(size)
	if m.encoder {
		return m.encoderPooling()
	}
	if e.memory, err = llama.GetMemory(e.context); err != nil {
		return err
	}
	e.pooling = m.ownPooling()
	return nil
}

// spareMemory is what this machine can still give; a test replaces it.
var spareMemory = availableMemory

// checkSpare refuses the embeddings if their context would not fit what memory is left. A load does not count it, since
// most workers are never asked for embeddings; and where the kernel promises more than it has, making it anyway would end
// the process, and the answers in it, instead of one request. A GPU's driver refuses by itself.
func (m *model) checkSpare() error {
	spare := spareMemory()
	if spare <= 0 || m.info.Backend != "cpu" {
		return nil
	}
	h, err := gguf.Check(m.path)
	if err != nil {
		return nil // it was loaded from a file that is no longer there: nobody knows
	}
	need := fit.Estimate(h, fit.Load{Context: int64(m.info.Context), Slots: 1, Backend: m.info.Backend}).Host
	if bytes := need.KV + need.Compute; bytes > spare {
		return embedShortage(m.info).With("needed_bytes", bytes).With("free_bytes", spare)
	}
	return nil
}

func embedShortage(i engine.Info) *fault.Error {
	return fault.New(fault.InsufficientMemory, "not enough memory for embeddings beside the answers: they want the cells of %d tokens once more", i.Context).
		WithHint("load the model with fewer slots or a smaller --ctx")
}

// ownPooling is what the model file says; averages if it says nothing.
func (m *model) ownPooling() llama.PoolingType {
	text, _ := llama.ModelMetaValStr(m.weights, m.info.Architecture+".pooling_type")
	n, err := strconv.Atoi(text)
	if p := llama.PoolingType(n); err == nil && (p == llama.PoolingTypeCLS || p == llama.PoolingTypeLast) {
		return p
	}
	return llama.PoolingTypeMean
}

// embed does a chunk of the embeddings that are asked for, if any are.
func (m *model) embed() {
	e := &m.embedder
	j := e.now
	if j == nil {
		return
	}
	err := m.openEmbedder()
	if err == nil {
		err = m.embedChunk(j)
	}
	if err != nil || len(j.out) == len(j.inputs) {
		e.now = nil
		j.done <- err
	}
}

func (m *model) embedChunk(j *embedding) error {
	m.abort.lower() // before looking, as in dropCancelled
	if j.cancelled.Load() {
		return context.Canceled
	}
	if m.encoder {
		return m.encode(j)
	}
	e := &m.embedder
	tokens := j.inputs[len(j.out)]
	if j.fed == 0 {
		llama.MemorySeqRm(e.memory, 0, -1, -1)
		j.sum = make([]float64, m.info.EmbeddingLength)
	}
	n := nextChunk(j.fed, len(tokens), m.chunk)
	e.batch.clear()
	for i, t := range tokens[j.fed : j.fed+n] {
		if err := e.batch.native.Add(t, llama.Pos(j.fed+i), []llama.SeqId{0}, true); err != nil {
			return err
		}
	}
	switch rc, err := llama.Decode(e.context, e.batch.native); {
	case err != nil || rc != decodeDone && rc != decodeAborted:
		return fault.New(fault.Internal, "llama.cpp could not embed %d tokens (code %d): %s", n, rc, lastOf(complaints()))
	case rc == decodeAborted:
		if ok, err := llama.MemorySeqRm(e.memory, 0, llama.Pos(j.fed), -1); err != nil || !ok {
			j.fed = 0
		}
		return nil
	}
	return m.takeRows(j, n)
}

// takeRows pools what was made of the next n tokens of an input.
func (m *model) takeRows(j *embedding, n int) error {
	e, tokens := &m.embedder, j.inputs[len(j.out)]
	for i := range n {
		row, err := llama.GetEmbeddingsIth(e.context, int32(i), int32(m.info.EmbeddingLength))
		if err != nil || row == nil {
			return fault.New(fault.Internal, "llama.cpp has no embedding for token %d of %d", j.fed+i, len(tokens))
		}
		j.pool(e.pooling, row, j.fed+i, len(tokens))
	}
	if j.fed += n; j.fed == len(tokens) {
		j.finishInput()
	}
	return nil
}

// pool takes a token's vector into account.
func (j *embedding) pool(p llama.PoolingType, row []float32, at, of int) {
	weight := 1 / float64(of)
	if p != llama.PoolingTypeMean {
		if weight = 0; p == llama.PoolingTypeCLS && at == 0 || p == llama.PoolingTypeLast && at == of-1 {
			weight = 1
		}
	}
	if weight == 0 {
		return
	}
	for i, v := range row {
		j.sum[i] += weight * float64(v)
	}
}

func (j *embedding) finishInput() {
	v := make([]float32, len(j.sum))
	for i, x := range j.sum {
		v[i] = float32(x)
	}
	j.out = append(j.out, engine.Embedding{Values: v, Tokens: j.fed})
	j.fed = 0
}

func (e *embedder) free() {
	if e.batch != nil {
		e.batch.free()
	}
	if e.context != 0 {
		llama.Free(e.context)
	}
}
