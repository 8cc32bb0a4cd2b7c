package gguf

import (
	"bytes"
	"encoding/binary"
)

// file builds GGUF bytes, right or wrong: numbers in their own size, texts with their length in front.
type file struct{ bytes.Buffer }

func (f *file) add(values ...any) *file {
	for _, v := range values {
		if s, ok := v.(string); ok {
			binary.Write(f, binary.LittleEndian, uint64(len(s)))
			f.WriteString(s)
			continue
		}
		if err := binary.Write(f, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return f
}

// begin is a file up to its first metadata entry.
func begin(version uint32, tensors, entries uint64) *file {
	f := &file{}
	f.WriteString("GGUF")
	return f.add(version, tensors, entries)
}

// arch is one metadata entry every model has.
func (f *file) arch() *file { return f.add("general.architecture", uint32(kindText), "llama") }

// tensor is one line of the tensor table.
func (f *file) tensor(name string, typ Type, offset uint64, dims ...uint64) *file {
	f.add(name, uint32(len(dims)))
	for _, d := range dims {
		f.add(d)
	}
	return f.add(uint32(typ), offset)
}

// data pads and adds n bytes of weights.
func (f *file) data(n int) []byte {
	for f.Len()%defaultAlignment != 0 {
		f.WriteByte(0)
	}
	return append(f.Bytes(), make([]byte, n)...)
}

// model is a file with one metadata entry and one tensor table, which the caller fills.
func model(tensors uint64) *file { return begin(3, tensors, 1).arch() }
