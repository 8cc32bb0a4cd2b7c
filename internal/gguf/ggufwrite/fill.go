package ggufwrite

import (
	"encoding/binary"
	"io"
	"math"

	"rbee/internal/gguf"
)

// Matrix is a tensor of 16-bit floats: rows of cols numbers.
func Matrix(name string, rows, cols int, v []float32) Tensor {
	return Tensor{name, gguf.F16, []uint64{uint64(cols), uint64(rows)}, func(w io.Writer) error {
		b := make([]byte, 2*len(v))
		for i, x := range v {
			if x != 0 { // hand-made matrices are mostly zeros
				binary.LittleEndian.PutUint16(b[2*i:], Half(x))
			}
		}
		_, err := w.Write(b)
		return err
	}}
}

// Vector is a tensor of 32-bit floats.
func Vector(name string, v []float32) Tensor {
	return Tensor{name, gguf.F32, []uint64{uint64(len(v))}, func(w io.Writer) error {
		b := make([]byte, 4*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
		}
		_, err := w.Write(b)
		return err
	}}
}

// Half converts to a 16-bit float, to nearest. Numbers below its normal range (6e-5) become zero, numbers above
// 65504 infinite.
func Half(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b>>16) & 0x8000
	b = b&0x7fffffff + 0x1000 // half of the last kept bit: a carry into the exponent is right
	switch e := int(b>>23) - 127 + 15; {
	case e <= 0:
		return sign
	case e >= 31:
		return sign | 0x7c00
	default:
		return sign | uint16(e)<<10 | uint16(b>>13&0x3ff)
	}
}
