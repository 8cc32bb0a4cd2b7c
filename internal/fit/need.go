package fit

import (
	"math"
	"strings"

	"rbee/internal/gguf"
)

// Load is how a model is to be loaded.
type Load struct {
	Context   int64  // tokens per slot; 0 = DefaultContext of the model
	Slots     int64  // 0 = 1
	Backend   string // "cpu", "cuda", ...; "" = "cpu"
	GPULayers int64  // layers on the GPU; negative = all. Nothing for a CPU
	CPU       CPU    // of the node
}

// Part is what is needed in one kind of memory, in bytes.
type Part struct {
	Weights  int64 `json:"weights"`
	Repacked int64 `json:"repacked,omitempty"` // the second copy of weights for this CPU
	KV       int64 `json:"kv"`
	Compute  int64 `json:"compute"`
	Process  int64 `json:"process,omitempty"` // vocabulary, libraries, the program
}

// Total is the sum.
func (p Part) Total() int64 { return add(p.Weights, p.Repacked, p.KV, p.Compute, p.Process) }

// Reclaimable is how much of Total the kernel can take back without harm, and how much of it does not show in what the
// kernel calls available although a worker in use wants it.
func (p Part) Reclaimable() int64 { return min(p.Weights, p.Repacked) }

// Mapped is what a worker in use wants resident although the kernel counts it as available.
func (p Part) Mapped() int64 { return p.Weights - p.Reclaimable() }

// Need is what one worker occupies.
type Need struct {
	Host   Part `json:"host"`
	Device Part `json:"device"` // of a GPU; zero for a CPU
}

// DefaultContext is the context of a load that does not name one.
func DefaultContext(h *gguf.Header) int64 {
	if h.Context <= 0 {
		return usualContext
	}
	return min(int64(h.Context), usualContext)
}

const (
	usualContext = 4096
	cellPadding  = 256 // cells of a slot are a multiple of it
	kvBytes      = 2   // f16
	maskBytes    = 2   // f16: the mask of the flash attention that llama.cpp chooses by itself
	floatBytes   = 4

	// The most tokens that are computed at once: internal/engine/llamacpp, microBatch.
	cpuBatch = 128
	gpuBatch = 512

	// Measured: a worker of this build without a model, its libraries included, 29.7 to 29.9 MiB.
	processBytes = 30 << 20
	// Measured on 16,000 and 64,000 tokens, and from the types in llama-vocab.cpp: two maps, two texts for each.
	tokenBytes = 200
	// From llama-vocab.cpp: a map entry of two texts and a rank.
	mergeBytes = 120
	// What a GPU's driver keeps for each process that uses it: a few hundred MB with CUDA. Not measured here.
	gpuContext = 300 << 20
)

// Estimate says what a worker needs for the model of h.
func Estimate(h *gguf.Header, l Load) Need {
	var n Need
	context, slots := l.Context, max(1, l.Slots)
	if context <= 0 {
		context = DefaultContext(h)
	}
	cells := float64((context+cellPadding-1)/cellPadding*cellPadding) * float64(slots)
	batch := int64(cpuBatch)
	if Encodes(h) { // it has no cells, and takes an input whole
		cells, slots, batch = 0, 1, context
	}
	kv := size(cells * float64(h.KVHeadsAll) * (float64(h.KeyLength) + float64(h.ValueLength)) * kvBytes)
	n.Host.Process = add(processBytes, size(float64(h.Vocabulary)*tokenBytes+float64(h.Merges)*mergeBytes))

	if l.Backend == "" || l.Backend == "cpu" {
		n.Host.KV = kv
		n.Host.Weights, n.Host.Repacked = onCPU(h, l.CPU)
		n.Host.Compute = size(perToken(h, context) * float64(batch)) // logits are made for the last token of each slot only
		rows := float64(h.Vocabulary) * float64(slots)
		if Encodes(h) {
			rows = float64(h.Embedding) * float64(context)
		}
		n.Host.Compute = add(n.Host.Compute, size(rows*floatBytes))
		return n
	}

	// Layers go to the GPU from the last to the first, the output matrix counts as one more; each takes its KV cache
	// with it. What stays is computed on the CPU.
	share, output := offload(h, l.GPULayers)
	blocks := size(float64(h.Weights.Blocks) * share)
	out := int64(0)
	if output {
		if out = h.Weights.Output; out == 0 {
			out = h.Weights.Embedding
		}
	}
	n.Device.Weights = add(blocks, out)
	n.Host.Weights = max(0, h.TensorBytes-blocks)
	if output && h.Weights.Output > 0 {
		n.Host.Weights = max(0, n.Host.Weights-out)
	}
	n.Device.KV = size(float64(kv) * share)
	n.Host.KV = kv - n.Device.KV
	n.Device.Compute = size(float64(max(gpuBatch, batch)) * math.Max(perToken(h, context), float64(h.Vocabulary+4*h.Embedding)*floatBytes))
	n.Device.Process = gpuContext
	n.Host.Compute = size(gpuBatch * float64(h.Embedding) * floatBytes) // what goes in
	if share < 1 {
		n.Host.Compute = size(gpuBatch * perToken(h, context))
	}
	return n
}

// Encodes says whether a model makes embeddings and generates nothing. Files do not say it in one place; these are
// llama.cpp's names of the architectures that it gives no memory.
func Encodes(h *gguf.Header) bool {
	a := h.Architecture
	return strings.HasSuffix(a, "bert") || strings.HasPrefix(a, "nomic-bert") || strings.HasPrefix(a, "jina-bert") ||
		a == "gemma-embedding" || a == "llama-embed"
}

// perToken is what one token of a batch takes of the compute buffer: fitted to llama.cpp's own "compute buffer size" of
// thirteen shapes, within 15 % above it.
func perToken(h *gguf.Header, context int64) float64 {
	return (3*float64(h.FeedForward)+4*float64(h.Embedding))*floatBytes + float64(context)*maskBytes
}

// offload returns the part of the layers that goes to the GPU, and whether the output matrix does.
func offload(h *gguf.Header, layers int64) (share float64, output bool) {
	if layers < 0 || layers > int64(h.Layers) || h.Layers == 0 {
		return 1, true
	}
	return float64(layers) / float64(h.Layers), false
}

// size makes bytes of a product of numbers that a file claims, which may be anything.
func size(v float64) int64 {
	if !(v > 0) {
		return 0
	}
	if v >= math.MaxInt64/4 {
		return math.MaxInt64 / 4
	}
	return int64(v)
}

// add is a sum that stays where it cannot be exceeded.
func add(ns ...int64) (sum int64) {
	for _, n := range ns {
		if sum += n; sum < 0 || sum > math.MaxInt64/2 {
			return math.MaxInt64 / 2
		}
	}
	return sum
}
