package gguf

import (
	"fmt"
	"math/bits"
)

const maxDims = 4 // ggml's own limit

// tensors reads and checks the table of n tensors and sets the header's sums. Offsets count from where the table,
// padded, ends.
func (r *reader) tensors(n int, alignment uint64, h *Header) {
	names := newSet()
	var next uint64 // where the next tensor must begin
	var end uint64  // where the last one ends
	var last string
	for i := 0; i < n && r.err == nil; i++ {
		name := r.text(maxName, fmt.Sprintf("name of tensor %d", i))
		what := "tensor " + printable(name)
		t := r.tensor(what)
		size := t.bytes
		offset := r.u64(what)
		switch {
		case r.err != nil:
			return
		case !names.add(name):
			r.fail(corrupt(what, "every name once", "it twice"))
			return
		case offset%alignment != 0:
			r.fail(corrupt(what, fmt.Sprintf("an offset that is a multiple of %d", alignment), "offset %d", offset))
			return
		case offset != next:
			r.fail(corrupt(what, fmt.Sprintf("offset %d, right behind the tensor before it", next), "offset %d", offset))
			return
		}
		end, last = offset+size, what // cannot overflow: both are below 2^62
		next = align(end, alignment)
		if next >= 1<<62 {
			r.fail(corrupt(what, "a model of less than 2^62 bytes", "one of at least %d", next))
			return
		}
		h.TensorBytes += int64(size)
		h.Parameters = min(h.Parameters+int64(t.count), maxParameters)
		h.Weights.count(name, t, i == 0 || i == n-1)
	}
	if r.err != nil {
		return
	}
	h.Tensors = n
	h.HeaderBytes = r.pos
	if n == 0 {
		return
	}
	start := align(uint64(r.pos), alignment)
	h.HeaderBytes = int64(start)
	if start+end > uint64(r.size) {
		r.fail(corrupt("size", fmt.Sprintf("%d bytes, where %s ends", start+end, last), "%d bytes: the file is truncated", r.size))
	}
}

// tensor is what the table says of one.
type tensor struct {
	dims  uint32
	rows  uint64 // of one matrix: the second dimension
	kind  Type
	count uint64 // of numbers, less than 2^61
	bytes uint64 // likewise
}

// tensor reads a tensor's dimensions and type.
func (r *reader) tensor(what string) (t tensor) {
	n := r.u32(what)
	if n > maxDims {
		r.fail(corrupt(what, fmt.Sprintf("at most %d dimensions", maxDims), "%d", n))
		return t
	}
	t.dims, t.rows = n, 1
	row, rows := uint64(1), uint64(1)
	for i := range n {
		d := r.u64(what)
		if r.err == nil && d == 0 {
			r.fail(corrupt(what, "dimensions of at least 1", "a dimension of 0"))
			return t
		}
		if i == 0 {
			row = d
			continue
		}
		if i == 1 {
			t.rows = d
		}
		hi, lo := bits.Mul64(rows, d)
		if hi != 0 {
			r.fail(corrupt(what, "fewer than 2^64 rows", "more"))
			return t
		}
		rows = lo
	}
	t.kind = Type(r.u32(what))
	if r.err != nil {
		return t
	}
	block, bytes, ok := t.kind.Block()
	if !ok {
		r.fail(corrupt(what, "a tensor type that ggml knows", "%v", t.kind))
		return t
	}
	if row%block != 0 {
		r.fail(corrupt(what, fmt.Sprintf("rows of whole %v blocks (%d numbers)", t.kind, block), "rows of %d numbers", row))
		return t
	}
	numbersHigh, numbers := bits.Mul64(row, rows)
	sizeHigh, size := bits.Mul64(row/block, bytes)
	rowsHigh, size := bits.Mul64(size, rows)
	if numbersHigh|sizeHigh|rowsHigh != 0 || numbers >= 1<<61 || size >= 1<<61 {
		r.fail(corrupt(what, "fewer than 2^61 numbers and bytes", "rows of %d numbers, %d rows", row, rows))
		return t
	}
	t.count, t.bytes = numbers, size
	return t
}

// align rounds up to a multiple of a power of two.
func align(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }
