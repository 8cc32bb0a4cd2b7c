package llamacpp

const (
	// batchSize is the most tokens of one step. It is also llama.cpp's own default for the most tokens that are
	// computed at once, its micro-batch: see nextChunk.
	batchSize = 512

	// chunkCPU and chunkGPU are about how many prompt tokens are fed in one step.
	//
	// llama.cpp looks at the abort flag between operations, and on a CPU one operation on 512 tokens takes 50-100 ms
	// (1.1B, one core): cancel would be late, progress coarse, and a neighbour's next token seconds away. A prompt
	// read 64 tokens at a time takes no longer (measured: 62-65 tokens/s with 64, 128 and 512).
	chunkCPU = 64
	chunkGPU = batchSize
)

// nextChunk returns how many tokens of a prompt to feed now: chunk, but more (less than twice as many) at the end of
// the prompt and of every 512 tokens of it.
//
// The size of what is computed at once decides which of llama.cpp's kernels computes it (attention in tiles of 64
// rows or row by row, products four rows at a time), and kernels round differently. Cut like this, every row meets
// the kernel that it meets when a program leaves the cutting to llama.cpp, which cuts at multiples of 512, and
// greedy answers stay equal to that program's, token for token. With plain chunks of 64 the last few rows did not.
func nextChunk(fed, total, chunk int) int {
	left := min(batchSize-fed%batchSize, total-fed)
	if left < 2*chunk {
		return left
	}
	return chunk
}

// microBatch is the most tokens that llama.cpp may compute at once: any chunk must fit.
func microBatch(chunk int) int { return min(2*chunk, batchSize) }
