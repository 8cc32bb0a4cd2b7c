package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// kind is the format's number for the type of a metadata value.
type kind uint32

const (
	kindU8   kind = 0
	kindI8   kind = 1
	kindU16  kind = 2
	kindI16  kind = 3
	kindU32  kind = 4
	kindI32  kind = 5
	kindF32  kind = 6
	kindBool kind = 7
	kindText kind = 8
	kindList kind = 9
	kindU64  kind = 10
	kindI64  kind = 11
	kindF64  kind = 12
)

// kindSizes are the bytes of a value of fixed size.
var kindSizes = map[kind]uint64{
	kindU8: 1, kindI8: 1, kindBool: 1, kindU16: 2, kindI16: 2,
	kindU32: 4, kindI32: 4, kindF32: 4, kindU64: 8, kindI64: 8, kindF64: 8,
}

// maxPerLayer bounds lists of one number per layer, the only lists whose numbers are read.
const maxPerLayer = 4096

// metadata is what is kept of the entries.
type metadata struct {
	texts   map[string]string
	numbers map[string]uint64 // of a list of numbers, the largest
	sums    map[string]uint64 // of a list of numbers
	lengths map[string]int    // of lists
}

// kept are the entries worth keeping; those behind the architecture's name are named by their end.
var kept = map[string]bool{
	"general.architecture": true, "general.name": true, "general.file_type": true, "general.alignment": true,
	"tokenizer.chat_template": true, "tokenizer.ggml.tokens": true, "tokenizer.ggml.merges": true, "split.no": true, "split.count": true,
	".context_length": true, ".embedding_length": true, ".block_count": true, ".feed_forward_length": true,
	".attention.head_count": true, ".attention.head_count_kv": true, ".attention.key_length": true,
	".attention.value_length": true, ".vocab_size": true,
}

// isKept looks at the key, and at what follows its first word.
func isKept(key string) bool {
	i := strings.IndexByte(key, '.')
	return kept[key] || i > 0 && i <= 64 && kept[key[i:]]
}

// metadata reads n entries.
func (r *reader) metadata(n int) metadata {
	m := metadata{map[string]string{}, map[string]uint64{}, map[string]uint64{}, map[string]int{}}
	seen := newSet()
	for i := 0; i < n && r.err == nil; i++ {
		key := r.text(maxKey, fmt.Sprintf("key of metadata entry %d", i))
		if r.err != nil {
			break
		}
		if !seen.add(key) {
			r.fail(corrupt("metadata", "every key once", "%s twice", printable(key)))
			break
		}
		r.entry(m, key)
	}
	return m
}

// entry reads one value and keeps it if somebody will ask for it.
func (r *reader) entry(m metadata, key string) {
	what := "metadata " + printable(key)
	keep := isKept(key)
	k := kind(r.u32(what))
	if key == "general.alignment" && k != kindU32 && r.err == nil {
		r.fail(corrupt(what, "type 4 (the only one ggml reads without aborting)", "type %d", k))
		return
	}
	switch k {
	case kindText:
		if keep {
			m.texts[key] = r.text(maxText, what)
		} else {
			r.skipText(what)
		}
	case kindList:
		r.list(m, key, keep, what)
	default:
		size, ok := kindSizes[k]
		if !ok {
			r.fail(corrupt(what, "a type from 0 to 12", "type %d", k))
			return
		}
		b := r.next(int(size), what)
		if keep && b != nil {
			if v, ok := number(k, b); ok {
				m.numbers[key] = v
			}
		}
	}
}

func (r *reader) list(m metadata, key string, keep bool, what string) {
	k := kind(r.u32(what))
	size, fixed := kindSizes[k]
	if !fixed && k != kindText { // ggml reads no lists of lists either
		r.fail(corrupt(what, "a list of numbers or texts", "a list of type %d", k))
		return
	}
	if !fixed {
		size = 8 // at least its length
	}
	n := r.count(maxHeader, size, what)
	if keep {
		m.lengths[key] = n
	}
	switch {
	case !fixed:
		for i := 0; i < n && r.err == nil; i++ {
			r.skipText(what)
		}
	case keep && n <= maxPerLayer:
		for range n {
			if v, ok := number(k, r.next(int(size), what)); ok {
				m.numbers[key] = max(m.numbers[key], v)
				m.sums[key] = min(m.sums[key]+min(v, math.MaxInt32), math.MaxInt32)
			}
		}
	default:
		r.skip(uint64(n)*size, what)
	}
}

// number reads a whole number that is not negative; ok is false for any other value.
func number(k kind, b []byte) (v uint64, ok bool) {
	if b == nil {
		return 0, false
	}
	var s int64
	switch k {
	case kindU8:
		return uint64(b[0]), true
	case kindU16:
		return uint64(binary.LittleEndian.Uint16(b)), true
	case kindU32:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case kindU64:
		return binary.LittleEndian.Uint64(b), true
	case kindI8:
		s = int64(int8(b[0]))
	case kindI16:
		s = int64(int16(binary.LittleEndian.Uint16(b)))
	case kindI32:
		s = int64(int32(binary.LittleEndian.Uint32(b)))
	case kindI64:
		s = int64(binary.LittleEndian.Uint64(b))
	default:
		return 0, false
	}
	return uint64(s), s >= 0
}

// header fills in what the entries say.
func (m metadata) header(h *Header) error {
	h.Architecture = printable(m.texts["general.architecture"])
	h.Name = printable(m.texts["general.name"])
	h.ChatTemplate = m.texts["tokenizer.chat_template"]
	h.FileType = -1
	a := h.Architecture
	var err error
	for key, to := range map[string]*int{
		"general.file_type": &h.FileType, "split.no": &h.SplitNo, "split.count": &h.SplitCount,
		a + ".context_length": &h.Context, a + ".embedding_length": &h.Embedding, a + ".block_count": &h.Layers,
		a + ".feed_forward_length": &h.FeedForward, a + ".attention.head_count": &h.Heads,
		a + ".attention.head_count_kv": &h.KVHeads, a + ".attention.key_length": &h.KeyLength,
		a + ".attention.value_length": &h.ValueLength, a + ".vocab_size": &h.Vocabulary,
	} {
		v, ok := m.numbers[key]
		if !ok {
			continue
		}
		if v > math.MaxInt32 {
			err = corrupt("metadata "+key, fmt.Sprintf("at most %d", math.MaxInt32), "%d", v)
			continue
		}
		*to = int(v)
	}
	if n := m.lengths["tokenizer.ggml.tokens"]; n > 0 {
		h.Vocabulary = n
	}
	h.Merges = m.lengths["tokenizer.ggml.merges"]
	h.KVHeadsAll = int(m.sums[a+".attention.head_count_kv"])
	h.fillIn()
	return err
}
