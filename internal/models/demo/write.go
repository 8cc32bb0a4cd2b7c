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
const title = "rbee demo 2: a tiny hand-made llama"

// What the file is, on every machine.
const (
	Size   = 2342016 // bytes
	SHA256 = "58ee5392acaa636ed717ac6915c330596c71a0ee942e223a3148aa303829f034"
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
