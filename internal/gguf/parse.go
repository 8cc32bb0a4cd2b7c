package gguf

import (
	"fmt"
	"io"
	"math/bits"
)

const defaultAlignment = 32

// Parse checks the header of a file of that size. An error is a *Corrupt, or wraps what r returned.
func Parse(from io.ReaderAt, size int64) (*Header, error) {
	if size == 0 {
		return nil, corrupt("size", "a GGUF file", "an empty one")
	}
	r := &reader{from: from, size: size}
	h := &Header{FileSize: size, Version: r.version()}
	tensors := r.count(maxTensor, 24, "number of tensors") // name, dimensions, type, offset
	entries := r.count(maxKV, 13, "number of metadata entries")
	m := r.metadata(entries)
	if r.err != nil {
		return nil, r.err
	}
	if err := m.header(h); err != nil {
		return nil, err
	}
	alignment, err := m.alignment()
	if err != nil {
		return nil, err
	}
	r.tensors(tensors, alignment, h)
	if r.err != nil {
		return nil, r.err
	}
	if h.Architecture == "" && h.SplitNo == 0 {
		return nil, corrupt("metadata", "general.architecture", "none")
	}
	return h, nil
}

// version reads the magic number and the version.
func (r *reader) version() uint32 {
	magic := r.next(min(4, int(r.size)), "magic")
	if r.err == nil && string(magic) != "GGUF" {
		r.fail(corrupt("magic", `"GGUF"`, "%s", foreign(magic)))
	}
	v := r.u32("version")
	switch {
	case r.err != nil:
	case v != 0 && v&0xffff == 0:
		r.fail(corrupt("version", "2 or 3", "%d: a big-endian file", bits.ReverseBytes32(v)))
	case v != 2 && v != 3:
		r.fail(corrupt("version", "2 or 3", "%d", v))
	}
	return v
}

// alignment is a power of two, 32 unless the file says otherwise.
func (m metadata) alignment() (uint64, error) {
	a, ok := m.numbers["general.alignment"]
	switch {
	case !ok:
		return defaultAlignment, nil
	case a == 0 || a&(a-1) != 0 || a > 1<<30:
		return 0, corrupt("metadata general.alignment", "a power of two up to 2^30", "%d", a)
	}
	return a, nil
}

// foreign says what a file looks like by its first bytes.
func foreign(b []byte) string {
	for magic, name := range map[string]string{
		"\x89PNG": "a PNG picture", "\x7fELF": "an ELF program", "PK\x03\x04": "a zip archive (or PyTorch weights)",
		"ggml": "an old GGML model", "tjgg": "an old GGJT model", "lmgg": "an old GGMF model", "<!DO": "a web page",
		"<htm": "a web page", "vers": "a Git LFS pointer, not the file itself", "%PDF": "a PDF document",
	} {
		if string(b) == magic {
			return name
		}
	}
	return fmt.Sprintf("% x", b)
}
