package demo

import (
	"bytes"
	"fmt"

	"rbee/internal/gguf"
	"rbee/internal/gguf/ggufwrite"
)

// Name is how the model is asked for.
const Name = "demo"

// title is the model's own name; its number goes up with every change of the file.
const title = "rbee demo 1: a tiny hand-made llama"

// What the file is, on every machine.
const (
	Size   = 2292864 // bytes
	SHA256 = "5ef8f47faee36e03c677771b40842e30432e183f6df9f7c897a5bbbbff1b7c10"
)

// Write makes the file at path, as ggufwrite.WriteFile does: whole or not at all, from any number of processes.
func Write(path string) error {
	m := build()
	return ggufwrite.WriteFile(path, m.metadata(), m.tensors())
}

// Bytes returns the whole file.
func Bytes() []byte {
	m := build()
	var b bytes.Buffer
	b.Grow(Size)
	if err := ggufwrite.Write(&b, m.metadata(), m.tensors()); err != nil {
		panic(fmt.Sprintf("demo model: %v", err)) // a bytes.Buffer does not fail, and every tensor's size is ours
	}
	return b.Bytes()
}

// IsCurrent reports whether a header is that of the file this release writes.
func IsCurrent(h *gguf.Header) bool { return h.Name == title && h.FileSize == Size }
