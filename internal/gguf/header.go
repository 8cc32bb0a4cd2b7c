package gguf

// Header is what a model file says about itself. Numbers it does not give are 0, texts "".
type Header struct {
	Version      uint32 // of the format: 2 or 3
	Architecture string // "llama", "qwen2", ...
	Name         string
	ChatTemplate string // jinja source
	FileType     int    // llama.cpp's number for the mix of tensor types, -1 if not given; see Quantization

	Context     int // tokens the model was trained for
	Embedding   int // width of the residual stream
	Layers      int
	FeedForward int
	Heads       int // attention heads; the most of any layer if layers differ
	KVHeads     int // key and value heads, likewise; equal to Heads if not given
	KeyLength   int // numbers of one head's key; Embedding/Heads if not given
	ValueLength int // likewise for the value
	Vocabulary  int // tokens
	Merges      int // pairs that a byte-pair vocabulary joins
	KVHeadsAll  int // KVHeads of all layers together, where layers may differ

	SplitNo    int // this file's number in a split model, from 0
	SplitCount int // files of a split model; 0 or 1 if it is not split

	Parameters  int64 // numbers in all tensors
	Tensors     int
	TensorBytes int64 // all tensors, without padding
	Weights     Weights
	HeaderBytes int64 // everything before the first tensor
	FileSize    int64
}

// quantizations are llama.cpp's names for file types (enum llama_ftype).
var quantizations = map[int]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1",
	10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M",
	18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
	26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0",
	37: "TQ2_0", 38: "MXFP4_MOE",
}

// Quantization names the file type as file names do ("Q4_K_M"), "" if it is not known.
func (h *Header) Quantization() string { return quantizations[h.FileType] }

// fillIn derives the sizes that a file may leave out.
func (h *Header) fillIn() {
	if h.KVHeads == 0 {
		h.KVHeads = h.Heads
	}
	if h.KVHeadsAll == 0 {
		h.KVHeadsAll = h.KVHeads * h.Layers
	}
	if h.Heads == 0 {
		return
	}
	if h.KeyLength == 0 {
		h.KeyLength = h.Embedding / h.Heads
	}
	if h.ValueLength == 0 {
		h.ValueLength = h.Embedding / h.Heads
	}
}
