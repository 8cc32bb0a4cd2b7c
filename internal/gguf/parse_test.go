package gguf

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func parse(b []byte) (*Header, error) { return Parse(bytes.NewReader(b), int64(len(b))) }

func TestHeaderSaysWhatTheFileSays(t *testing.T) {
	b := begin(3, 2, 11).arch().
		add("general.name", uint32(kindText), "a \x1b[31mred\nllama").
		add("general.file_type", uint32(kindU32), uint32(15)).
		add("llama.context_length", uint32(kindU64), uint64(8192)).
		add("llama.embedding_length", uint32(kindU32), uint32(64)).
		add("llama.block_count", uint32(kindI32), int32(3)).
		add("llama.attention.head_count", uint32(kindList), uint32(kindU32), uint64(3), uint32(4), uint32(8), uint32(2)).
		add("llama.rope.freq_base", uint32(kindF32), float32(10000)).
		add("tokenizer.ggml.tokens", uint32(kindList), uint32(kindText), uint64(3), "a", "b", "").
		add("tokenizer.chat_template", uint32(kindText), "{{ x }}").
		add("other.block_count", uint32(kindU8), uint8(77)).
		tensor("a", Q4_0, 0, 32, 2).tensor("b", F32, 64, 3).data(64 + 12)
	h, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{Version: 3, Architecture: "llama", Name: "a .[31mred.llama", ChatTemplate: "{{ x }}", FileType: 15,
		Context: 8192, Embedding: 64, Layers: 3, Heads: 8, KVHeads: 8, KeyLength: 8, ValueLength: 8, Vocabulary: 3, KVHeadsAll: 24,
		Parameters: 67, Tensors: 2, TensorBytes: 36 + 12, HeaderBytes: int64(len(b) - 76), FileSize: int64(len(b))}
	if *h != want {
		t.Errorf("got  %+v\nwant %+v", *h, want)
	}
	if h.Quantization() != "Q4_K_M" {
		t.Errorf("quantisation %q", h.Quantization())
	}
}

// Each of these would make a reader that believes the file abort, allocate without bound, or read past its end.
var broken = map[string]struct {
	file []byte
	says string // in the error
}{
	"empty":                 {nil, "an empty one"},
	"three bytes":           {[]byte("GGU"), "magic"},
	"magic only":            {[]byte("GGUF"), "version: expected 4 more bytes at 4"},
	"a picture":             {[]byte("\x89PNG\r\n\x1a\n and more"), "a PNG picture"},
	"an LFS pointer":        {[]byte("version https://git-lfs.github.com/spec/v1"), "a Git LFS pointer"},
	"version 0":             {begin(0, 0, 0).data(0), "found 0"},
	"version 1":             {begin(1, 0, 0).data(0), "found 1"},
	"version 4":             {begin(4, 0, 0).data(0), "expected 2 or 3, found 4"},
	"big-endian":            {begin(3<<24, 0, 0).data(0), "big-endian"},
	"2^60 tensors":          {begin(3, 1<<60, 0).data(64), "number of tensors: expected at most 65536"},
	"more tensors than fit": {begin(3, 60000, 0).data(64), "what fits in"},
	"-1 entries":            {begin(3, 0, 1<<64-1).data(64), "number of metadata entries: expected at most 65536"},
	"more entries than fit": {begin(3, 0, 60000).data(64), "what fits in"},
	"no entries":            {model(0).Bytes()[:8+16], "what fits in"},
	"endless key":           {begin(3, 0, 1).add(uint64(1)<<63, uint64(0), uint64(0)).data(0), "at most 65535 bytes"},
	"key past the end":      {begin(3, 0, 1).add(uint64(5000), uint64(0)).data(0), "5000 more bytes"},
	"unknown value type":    {begin(3, 0, 1).add("k", uint32(13), uint64(0)).data(0), "found type 13"},
	"text past the end":     {begin(3, 0, 1).add("k", uint32(kindText), uint64(1)<<40).data(0), "metadata k: expected 1099511627776 more"},
	"endless template":      {begin(3, 0, 1).add("tokenizer.chat_template", uint32(kindText), uint64(2)<<20).data(3 << 20), "at most 1048576"},
	"key twice":             {begin(3, 0, 2).arch().arch().data(0), "general.architecture twice"},
	"list of lists":         {begin(3, 0, 1).add("k", uint32(kindList), uint32(kindList), uint64(0)).data(0), "a list of type 9"},
	"2^63 numbers":          {begin(3, 0, 1).add("k", uint32(kindList), uint32(kindU8), uint64(1)<<63).data(0), "at most"},
	"2^26 numbers":          {begin(3, 0, 1).add("k", uint32(kindList), uint32(kindU64), uint64(1)<<26).data(0), "what fits in"},
	"2^26 texts":            {begin(3, 0, 1).add("k", uint32(kindList), uint32(kindText), uint64(1)<<26).data(0), "what fits in"},
	"text in a list":        {begin(3, 0, 1).add("k", uint32(kindList), uint32(kindText), uint64(1), uint64(1)<<62).data(0), "metadata k"},
	"absurd context":        {begin(3, 0, 2).arch().add("llama.context_length", uint32(kindU64), uint64(1)<<62).data(0), "llama.context_length"},
	"alignment 0":           {begin(3, 0, 2).arch().add("general.alignment", uint32(kindU32), uint32(0)).data(0), "a power of two"},
	"alignment 48":          {begin(3, 0, 2).arch().add("general.alignment", uint32(kindU32), uint32(48)).data(0), "a power of two"},
	"alignment of 8 bytes":  {begin(3, 0, 2).arch().add("general.alignment", uint32(kindU64), uint64(32)).data(0), "general.alignment"},
	"no architecture":       {begin(3, 0, 0).data(0), "general.architecture"},
	"five dimensions":       {model(1).tensor("t", F32, 0, 1, 1, 1, 1, 1).data(64), "at most 4 dimensions"},
	"a dimension of 0":      {model(1).tensor("t", F32, 0, 32, 0).data(64), "dimensions of at least 1"},
	"rows overflow":         {model(1).tensor("t", F32, 0, 1, 1<<40, 1<<40).data(64), "fewer than 2^64 rows"},
	"numbers overflow":      {model(1).tensor("t", F32, 0, 1<<40, 1<<40).data(64), "fewer than 2^61"},
	"bytes overflow":        {model(1).tensor("t", F64, 0, 1<<60).data(64), "fewer than 2^61"},
	"size wraps to small":   {model(1).tensor("t", F32, 0, 1<<62).data(64), "fewer than 2^61"},
	"unknown tensor type":   {model(1).tensor("t", 99, 0, 32).data(64), "type 99"},
	"removed tensor type":   {model(1).tensor("t", 4, 0, 32).data(64), "type 4"},
	"half a block":          {model(1).tensor("t", Q4_0, 0, 33).data(64), "rows of 33 numbers"},
	"endless tensor name":   {model(1).tensor(strings.Repeat("n", 64), F32, 0, 1).data(64), "at most 63 bytes"},
	"tensor name twice":     {model(2).tensor("t", F32, 0, 8).tensor("t", F32, 32, 8).data(64), "every name once"},
	"offset off alignment":  {model(1).tensor("t", F32, 8, 8).data(64), "a multiple of 32"},
	"offset past the end":   {model(1).tensor("t", F32, 1<<40, 8).data(64), "expected offset 0"},
	"offset wraps":          {model(1).tensor("t", F32, 1<<64-32, 8).data(64), "expected offset 0"},
	"tensors overlap":       {model(2).tensor("a", F32, 0, 16).tensor("b", F32, 32, 16).data(128), "expected offset 64"},
	"sum of sizes wraps": {model(3).tensor("a", 24, 0, 1<<61-32).tensor("b", 24, 1<<61-32, 1<<61-32).
		tensor("c", 24, 1<<62-64, 1<<61-32).data(64), "2^62"},
	"truncated weights": {model(1).tensor("t", F32, 0, 1000).data(3000), "expected 4128 bytes, where tensor t ends, found 3128 bytes"},
	"table cut off":     {model(2).tensor("t", F32, 0, 8).data(0), ""},
}

const F64 Type = 28

func TestBrokenFilesAreRefusedWithWhatWasExpectedAndFound(t *testing.T) {
	for name, c := range broken {
		t.Run(name, func(t *testing.T) {
			_, err := parse(c.file)
			var corrupt *Corrupt
			if !errors.As(err, &corrupt) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

func TestEveryTruncationOfAGoodFileIsRefused(t *testing.T) {
	good := model(2).tensor("a", Q8_0, 0, 32).tensor("b", F16, 64, 32).data(128)
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := parse(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(good))
		}
	}
}

// FuzzParse: whatever the bytes, an answer, no panic, and a header that keeps its promises.
func FuzzParse(f *testing.F) {
	for _, c := range broken {
		f.Add(c.file)
	}
	f.Add(model(2).tensor("a", Q8_0, 0, 32).tensor("b", F16, 64, 32).data(128))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(b)
		if err != nil {
			return
		}
		if h.TensorBytes < 0 || h.HeaderBytes+h.TensorBytes > h.FileSize+1<<30 || h.Tensors > 0 && h.HeaderBytes > h.FileSize {
			t.Errorf("accepted %+v", h)
		}
		for _, n := range []int{h.Context, h.Embedding, h.Layers, h.Heads, h.KVHeads, h.KeyLength, h.Vocabulary, h.SplitNo} {
			if n < 0 {
				t.Errorf("accepted %+v", h)
			}
		}
	})
}
