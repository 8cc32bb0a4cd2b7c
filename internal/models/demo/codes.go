package demo

import "math/bits"

const (
	codeWidth = 40
	codeMask  = 1<<codeWidth - 1
	alike     = 20 // the largest product of two codes, in either sign; a code with itself gives codeWidth
)

// code is codeWidth signs: a set bit is -1.
type code uint64

func (c code) sign(i int) float32 { return 1 - 2*float32(c>>i&1) }

// product is the scalar product of two codes.
func (c code) product(d code) int { return codeWidth - 2*bits.OnesCount64(uint64(c^d)) }

// assignCodes gives every token a code of its own. Those of whole tokens are far from each other; the rest (mere
// prefixes, unused pieces) never stand in a rule and may be anything.
func assignCodes(v *vocabulary) []code {
	random := xorshift(0x9E3779B97F4A7C15)
	codes := make([]code, len(v.pieces))
	var far []code
	for id := range codes {
		codes[id] = code(random.next() & codeMask)
		if !v.whole[id] {
			continue
		}
		for !isFar(codes[id], far) {
			codes[id] = code(random.next() & codeMask)
		}
		far = append(far, codes[id])
	}
	return codes
}

func isFar(c code, others []code) bool {
	for _, o := range others {
		if p := c.product(o); p > alike || p < -alike {
			return false
		}
	}
	return true
}

// xorshift is Marsaglia's generator, here so that the file is the same under every release of Go.
type xorshift uint64

func (x *xorshift) next() uint64 {
	*x ^= *x << 13
	*x ^= *x >> 7
	*x ^= *x << 17
	return uint64(*x) * 0x2545F4914F6CDD1D
}
