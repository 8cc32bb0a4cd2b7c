// Package sources finds the models that other programs keep on this machine, so that nobody downloads twice: the
// Hugging Face hub cache, llama.cpp's cache, LM Studio's folder and Ollama's blobs. It only reads, and copies
// nothing: a model is used where it lies.
//
// Each program names things in its own way; here every model gets the reference that means it, hf:org/repo/file or
// ollama:name:tag. A name that does not say which repository a file is from is only found if it cannot be
// another's. What these programs have not finished has other names, and is not seen.
//
// The folders are another program's, and may hold anything: manifests are bounded and checked, digests are hex
// before they become a path, and a link that leads out of the program's folder is not followed (package models).
package sources
