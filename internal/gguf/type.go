package gguf

import "fmt"

// Type is how the numbers of a tensor are stored: ggml's type number.
type Type uint32

// The types this module writes; typeTable knows all that may be read.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q8_0 Type = 8
)

// layout is how a type is stored: numbers come in blocks, and rows are whole blocks.
type layout struct {
	name         string
	block, bytes uint64 // numbers in a block, bytes of a block
}

// typeTable follows ggml's own type traits (ggml.c). Numbers missing here were removed by ggml, or are newer than
// this table, and an engine would not load them either.
var typeTable = map[Type]layout{
	0: {"F32", 1, 4}, 1: {"F16", 1, 2}, 30: {"BF16", 1, 2}, 28: {"F64", 1, 8},
	24: {"I8", 1, 1}, 25: {"I16", 1, 2}, 26: {"I32", 1, 4}, 27: {"I64", 1, 8},
	2: {"Q4_0", 32, 18}, 3: {"Q4_1", 32, 20}, 6: {"Q5_0", 32, 22}, 7: {"Q5_1", 32, 24},
	8: {"Q8_0", 32, 34}, 9: {"Q8_1", 32, 36},
	10: {"Q2_K", 256, 84}, 11: {"Q3_K", 256, 110}, 12: {"Q4_K", 256, 144}, 13: {"Q5_K", 256, 176},
	14: {"Q6_K", 256, 210}, 15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74}, 18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50},
	20: {"IQ4_NL", 32, 18}, 21: {"IQ3_S", 256, 110}, 22: {"IQ2_S", 256, 82}, 23: {"IQ4_XS", 256, 136},
	29: {"IQ1_M", 256, 56}, 34: {"TQ1_0", 256, 54}, 35: {"TQ2_0", 256, 66}, 39: {"MXFP4", 32, 17},
	40: {"NVFP4", 64, 36}, 41: {"Q1_0", 128, 18}, 42: {"Q2_0", 64, 18},
}

// String returns ggml's name of the type, "type 99" for one that is not known.
func (t Type) String() string {
	if l, ok := typeTable[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Block returns how many numbers one block holds and how many bytes it takes; ok is false for an unknown type.
func (t Type) Block() (numbers, bytes uint64, ok bool) {
	l, ok := typeTable[t]
	return l.block, l.bytes, ok
}
