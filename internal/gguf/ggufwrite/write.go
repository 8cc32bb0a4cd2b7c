// Package ggufwrite writes GGUF version 3 files: metadata, tensor table, tensors, in one pass.
//
// It exists for the models rbee makes itself (the built-in demo, random ones for tests and benchmarks), so it
// knows the value types those need and trusts its caller: a tensor of the wrong size is a bug and is reported.
package ggufwrite

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"rbee/internal/gguf"
)

// Alignment of every tensor's first byte; the format's default, so files need not say it.
const Alignment = 32

// KV is one metadata entry. Value is a string, uint32, int32, float32, bool, []string, []float32 or []int32.
type KV struct {
	Key   string
	Value any
}

// Tensor is one tensor. Dims has the row length first, and a row is whole blocks of Type.
type Tensor struct {
	Name string
	Type gguf.Type
	Dims []uint64
	// Fill writes exactly Size bytes.
	Fill func(w io.Writer) error
}

// Size returns the tensor's bytes.
func (t Tensor) Size() uint64 {
	numbers, bytes, _ := t.Type.Block()
	n := uint64(1)
	for _, d := range t.Dims {
		n *= d
	}
	return n / numbers * bytes
}

// Write writes a whole model to w.
func Write(w io.Writer, kvs []KV, tensors []Tensor) error {
	out := &writer{w: bufio.NewWriterSize(w, 1<<18)}
	out.text("GGUF")
	out.u32(3)
	out.u64(uint64(len(tensors)))
	out.u64(uint64(len(kvs)))
	for _, kv := range kvs {
		if err := out.kv(kv); err != nil {
			return err
		}
	}
	out.table(tensors)
	out.pad()
	for _, t := range tensors {
		start := out.n
		if err := t.Fill(out); err != nil {
			return fmt.Errorf("cannot write tensor %s: %w", t.Name, err)
		}
		if got := out.n - start; got != t.Size() {
			return fmt.Errorf("tensor %s wrote %d bytes, its size is %d", t.Name, got, t.Size())
		}
		out.pad()
	}
	return out.w.Flush()
}

// writer counts what it wrote. A failed write sticks in the bufio.Writer and comes out of its Flush.
type writer struct {
	w       *bufio.Writer
	n       uint64
	scratch [8]byte
}

func (w *writer) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.n += uint64(n)
	return n, err
}

func (w *writer) u32(v uint32) {
	binary.LittleEndian.PutUint32(w.scratch[:], v)
	w.Write(w.scratch[:4])
}

func (w *writer) u64(v uint64) {
	binary.LittleEndian.PutUint64(w.scratch[:], v)
	w.Write(w.scratch[:8])
}

func (w *writer) text(s string) {
	n, _ := w.w.WriteString(s)
	w.n += uint64(n)
}

func (w *writer) str(s string) {
	w.u64(uint64(len(s)))
	w.text(s)
}

func (w *writer) pad() {
	for w.n%Alignment != 0 {
		w.text("\x00")
	}
}

// table writes the list of tensors; offsets count from the end of the padded header.
func (w *writer) table(tensors []Tensor) {
	offset := uint64(0)
	for _, t := range tensors {
		w.str(t.Name)
		w.u32(uint32(len(t.Dims)))
		for _, d := range t.Dims {
			w.u64(d)
		}
		w.u32(uint32(t.Type))
		w.u64(offset)
		offset += (t.Size() + Alignment - 1) / Alignment * Alignment
	}
}

// The format's numbers for value types.
const (
	kindU32 = 4
	kindI32 = 5
	kindF32 = 6
	kindB   = 7
	kindStr = 8
	kindArr = 9
)

func (w *writer) kv(kv KV) error {
	w.str(kv.Key)
	switch v := kv.Value.(type) {
	case string:
		w.u32(kindStr)
		w.str(v)
	case uint32:
		w.u32(kindU32)
		w.u32(v)
	case int32:
		w.u32(kindI32)
		w.u32(uint32(v))
	case float32:
		w.u32(kindF32)
		w.u32(math.Float32bits(v))
	case bool:
		w.u32(kindB)
		w.text(map[bool]string{true: "\x01", false: "\x00"}[v])
	case []string:
		w.array(kindStr, len(v))
		for _, s := range v {
			w.str(s)
		}
	case []float32:
		w.array(kindF32, len(v))
		for _, f := range v {
			w.u32(math.Float32bits(f))
		}
	case []int32:
		w.array(kindI32, len(v))
		for _, i := range v {
			w.u32(uint32(i))
		}
	default:
		return fmt.Errorf("metadata %s: cannot write a value of type %T", kv.Key, kv.Value)
	}
	return nil
}

func (w *writer) array(kind uint32, n int) {
	w.u32(kindArr)
	w.u32(kind)
	w.u64(uint64(n))
}
