// Package gguf checks the header of a GGUF model file before native code sees it.
//
// A GGUF file is a magic number and a version, a list of metadata entries (architecture, sizes, vocabulary, chat
// template), a table of tensors, padding, and the tensors themselves. An engine maps the file and believes the
// header: a count, a size or an offset that lies is at best an assertion that ends the process. So everything that
// can be known without reading the weights is checked here, by the same rules ggml's own reader (gguf.cpp)
// applies, and a few more where that reader would divide by zero or allocate what the file asks for:
//
//   - nothing is allocated by a number from the file; long arrays (the vocabulary) are walked, not kept;
//   - every count and length is compared with what can follow in the file, and bounded besides;
//   - every tensor has a known type, whole blocks, a size that does not overflow, and lies inside the file, right
//     behind its neighbour;
//   - only the header is read, so a file of many gigabytes takes milliseconds.
//
// What is not checked is meaning: whether the tensors are those its architecture needs is the engine's to say.
//
// Why not github.com/gpustack/gguf-parser-go, which is well kept and knows more (memory estimates for dozens of
// architectures)? Tried at v0.28.1 with files made to hurt: it accepts tensors past the end of the file, off
// alignment or twice under one name, panics on a zero alignment, a removed tensor type and an overflowing size,
// and allocated 8 GB for a string that a sparse file of a few bytes claimed. It also brings remote access, caches
// and 6 MB of code into every binary. For the estimate alone it may be worth using later, behind this check.
package gguf
