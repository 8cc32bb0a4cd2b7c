package benchmodel

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"math"

	"rbee/internal/gguf"
	w "rbee/internal/gguf/ggufwrite"
)

// random is a matrix whose products with a vector have gain times the vector's size: standard deviation
// gain/sqrt(cols).
func (s Shape) random(name string, gain float64, rows, cols int) w.Tensor {
	t := w.Tensor{Name: name, Type: s.Quant, Dims: []uint64{uint64(cols), uint64(rows)}}
	seed := fnv.New64a()
	io.WriteString(seed, name)
	x := xorshift(seed.Sum64() ^ s.Seed*0x9E3779B97F4A7C15 | 1) // not 0, its fixed point
	block, bytes, _ := s.Quant.Block()
	t.Fill = func(out io.Writer) error {
		return fill(out, rows*cols/int(block), int(bytes), scale(s.Quant, gain/math.Sqrt(float64(cols))), &x)
	}
	return t
}

// scale is the scale in a quantised block's head that gives the standard deviation: quants are evenly spread over
// their range, so theirs is range/sqrt(12). For F16 it is the bound of the numbers themselves.
func scale(quant gguf.Type, deviation float64) float32 {
	switch quant {
	case gguf.Q4_0:
		return float32(deviation / (16 / math.Sqrt(12)))
	case gguf.Q8_0:
		return float32(deviation / (256 / math.Sqrt(12)))
	}
	return float32(deviation * math.Sqrt(3))
}

const chunk = 4096 // blocks written at once

// fill writes blocks of that many bytes. A quantised block is a 16-bit scale and quants, a block of F16 is one
// number.
func fill(out io.Writer, blocks, bytes int, scale float32, x *xorshift) error {
	buf := make([]byte, chunk*bytes+8)
	head := w.Half(scale)
	for blocks > 0 {
		n := min(blocks, chunk)
		if bytes == 2 {
			for b := range n {
				u := float32(int64(x.next())) / (1 << 63) // -1 to 1
				binary.LittleEndian.PutUint16(buf[2*b:], w.Half(u*scale))
			}
		} else {
			for i := 0; i < n*bytes; i += 8 {
				binary.LittleEndian.PutUint64(buf[i:], x.next())
			}
			for b := range n {
				binary.LittleEndian.PutUint16(buf[b*bytes:], head)
			}
		}
		if _, err := out.Write(buf[:n*bytes]); err != nil {
			return err
		}
		blocks -= n
	}
	return nil
}

// xorshift is Marsaglia's generator: fast, and the same under every release of Go.
type xorshift uint64

func (x *xorshift) next() uint64 {
	*x ^= *x << 13
	*x ^= *x >> 7
	*x ^= *x << 17
	return uint64(*x)
}
