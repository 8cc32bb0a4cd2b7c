package gguf

import "strings"

// maxParameters is where a sum of parameters stays.
const maxParameters = 1 << 61

// types is above every known Type.
const types = 64

// Weights sums a model's tensors, in bytes, by what an engine does with them.
type Weights struct {
	Embedding     int64 // token_embd.weight: rows are looked up in it
	EmbeddingType Type
	Output        int64 // output.weight; 0 = the embedding is the output matrix too
	OutputType    Type
	OutputAtEdge  bool  // output.weight is the first or the last tensor of its file
	Blocks        int64 // blk.N.*: the layers
	// Matrices are what activations are multiplied with (two dimensions or more, rows a multiple of 8, the embedding
	// not among them), by type.
	Matrices [types]int64
}

// count adds one tensor.
func (w *Weights) count(name string, t tensor, edge bool) {
	bytes := int64(t.bytes)
	switch {
	case name == "token_embd.weight":
		w.Embedding, w.EmbeddingType = bytes, t.kind
		return
	case name == "output.weight":
		w.Output, w.OutputType, w.OutputAtEdge = bytes, t.kind, edge
	case strings.HasPrefix(name, "blk."):
		w.Blocks += bytes
	}
	if t.dims >= 2 && t.rows%8 == 0 {
		w.Matrices[t.kind] += bytes
	}
}

// AddPart adds the tensors of another file of the same model.
func (h *Header) AddPart(part *Header) {
	h.Tensors += part.Tensors
	h.TensorBytes += part.TensorBytes
	h.Parameters = min(h.Parameters+part.Parameters, maxParameters)
	w, p := &h.Weights, part.Weights
	if p.Embedding > 0 {
		w.Embedding, w.EmbeddingType = p.Embedding, p.EmbeddingType
	}
	if p.Output > 0 {
		w.Output, w.OutputType, w.OutputAtEdge = p.Output, p.OutputType, p.OutputAtEdge
	}
	w.Blocks += p.Blocks
	for t, n := range p.Matrices {
		w.Matrices[t] += n
	}
}
