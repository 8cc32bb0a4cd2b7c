package fit

import "rbee/internal/gguf"

// CPU is what decides which weights llama.cpp copies into another order for it.
type CPU struct {
	AVX2, AVX512, AMX bool // amd64
	NEON              bool // arm64
	DotProd, Int8     bool // arm64: dot products, matrix products of bytes
}

// onCPU returns the bytes of the file that stay mapped, and of the copies.
func onCPU(h *gguf.Header, c CPU) (mapped, copies int64) {
	w := h.Weights
	for t, bytes := range w.Matrices {
		if bytes > 0 && c.repacks(gguf.Type(t)) {
			copies = add(copies, bytes)
		}
	}
	mapped = h.TensorBytes
	switch {
	case w.Output == 0 && c.repacks(w.EmbeddingType): // it is loaded twice: to look up rows, and to multiply
		copies = add(copies, w.Embedding)
	case w.OutputAtEdge && c.repacks(w.OutputType): // what lies outside of all that is used as it is, is unmapped
		mapped = max(0, mapped-w.Output)
	}
	return mapped, copies
}

// llama.cpp's numbers of the types it repacks.
const (
	q4_0, q4_1, q8_0                 = 2, 3, 8
	q2_K, q4_K, q5_K, q6_K           = 10, 12, 13, 14
	iq4_NL, iq4_XS, mxfp4  gguf.Type = 20, 23, 39
)

func (c CPU) repacks(t gguf.Type) bool {
	if c.AMX {
		switch t {
		case q4_0, q4_1, q8_0, q4_K, q5_K, q6_K, iq4_XS:
			return true
		}
	}
	arm := c.NEON && (c.DotProd || c.Int8)
	switch t {
	case q4_0, q4_K, mxfp4:
		return c.AVX2 || arm
	case iq4_NL:
		return c.AVX2 || c.NEON
	case q2_K:
		return c.AVX512
	case q5_K, q6_K, q8_0:
		return arm
	}
	return false
}
