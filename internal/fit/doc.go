// Package fit says, from a model's header alone, what a worker will occupy, on which device it fits, and what would
// fit instead.
//
// Counted is what is resident in the worker's process when it has answered a prompt of at least one full batch:
//
//   - the weights: pages of the file, mapped. They are clean, so the kernel counts them as available, but a worker
//     whose weights are not resident reads the disk for every token;
//   - a second copy of those weights that llama.cpp repacks for the CPU at hand (its pages of the file stay resident
//     until something else wants them, and can then go: Reclaimable);
//   - the KV cache of all slots, which llama.cpp zeroes when it makes it, so all of it is touched before the first
//     token;
//   - the part of the compute buffer that a prompt touches, on a GPU all of it;
//   - the vocabulary, and the process itself.
//
// Not counted is the context that a model which answers makes for embeddings when the first are asked for, with the cells
// of one slot: most workers are never asked, and internal/engine/llamacpp looks at what memory is left before it makes it.
// An encoder (Encodes) has only that one, without cells, but for inputs as long as its context.
//
// The formulas follow llama.cpp v0.4.0: which types are repacked is ggml_repack_get_optimal_repack_type
// (ggml-cpu/repack.cpp) and the list of ggml-cpu/amx; cells of the KV cache are llama_context's n_ctx_seq, padded to
// 256; the compute buffer is what its graph allocator reports. A test in internal/engine/llamacpp loads models of
// many shapes in a process of their own and holds the estimate to within a tenth of what that process then occupies.
//
// Why not github.com/gpustack/gguf-parser-go, which estimates dozens of architectures? It does not know repacking,
// which decides the figure on a CPU, nor the batches this engine feeds; and it must not see a file that package gguf
// has not checked. What it would add is the exactness of rare architectures (latent attention, recurrent layers):
// these are over-estimated here, since every layer is taken to keep full keys and values.
//
// Everything here is a function of its arguments: who asks brings the header, the devices and what is free.
package fit
