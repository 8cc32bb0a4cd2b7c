package gguf

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"rbee/internal/fault"
)

func TestCheckRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.gguf") // nobody writes to it: opening it the ordinary way would hang
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		code fault.Code
		says string
	}{
		dir:                          {fault.ModelCorrupt, "a folder"},
		pipe:                         {fault.ModelCorrupt, "a named pipe"},
		"/dev/zero":                  {fault.ModelCorrupt, "a device"},
		filepath.Join(dir, "no"):     {fault.ModelNotFound, "there is no model file"},
		filepath.Join(dir, "a\x00b"): {fault.ModelCorrupt, "cannot be read"},
	} {
		_, err := Check(path)
		e := fault.From(err)
		if e == nil || e.Code != want.code || !strings.Contains(e.Message, want.says) || e.Hint == "" {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestCorruptFaultCarriesPathExpectedAndFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.gguf")
	if err := os.WriteFile(path, model(1).tensor("t", F32, 0, 1000).data(3000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Check(path)
	e := fault.From(err)
	if e.Code != fault.ModelCorrupt || e.Details["path"] != path || e.Hint == "" ||
		e.Details["expected"] != "4128 bytes, where tensor t ends" {
		t.Errorf("%+v", e)
	}
}

// meter counts what is read of a file that is mostly a hole.
type meter struct {
	io.ReaderAt
	read int64
}

func (m *meter) ReadAt(b []byte, at int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(b, at)
	m.read += int64(n)
	return n, err
}

// sparse makes a file of 10 GB that begins with b.
func sparse(t *testing.T, b []byte) (*meter, int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "big.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	const size = 10 << 30
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return &meter{ReaderAt: f}, size
}

func TestOnlyTheHeaderOfABigFileIsRead(t *testing.T) {
	// 128,000 pieces of 20 bytes and as many scores: more than any real vocabulary's bytes to walk through.
	f := begin(3, 1, 3).arch().add("tokenizer.ggml.tokens", uint32(kindList), uint32(kindText), uint64(128000))
	for range 128000 {
		f.add("twenty bytes a piece")
	}
	f.add("tokenizer.ggml.scores", uint32(kindList), uint32(kindF32), uint64(128000), make([]float32, 128000))
	m, size := sparse(t, f.tensor("t", F16, 0, 1<<20, 5000).data(0))
	h, err := Parse(m, size)
	if err != nil {
		t.Fatal(err)
	}
	if h.Vocabulary != 128000 || m.read > 8<<20 {
		t.Errorf("vocabulary %d, %d bytes read", h.Vocabulary, m.read)
	}
}

func TestAHoleThatClaimsHugeThingsCostsNothing(t *testing.T) {
	for name, b := range map[string][]byte{
		"text":    begin(3, 0, 1).add("general.name", uint32(kindText), uint64(4)<<30).Bytes(),
		"skipped": begin(3, 0, 1).add("k", uint32(kindText), uint64(4)<<30).Bytes(),
		"texts":   begin(3, 0, 1).add("tokenizer.ggml.tokens", uint32(kindList), uint32(kindText), uint64(1)<<26).Bytes(),
		"numbers": begin(3, 0, 1).add("k", uint32(kindList), uint32(kindU64), uint64(1)<<26).Bytes(),
		"entries": begin(3, 0, 1<<16).Bytes(),
		"tensors": begin(3, 1<<16, 1).arch().Bytes(),
	} {
		m, size := sparse(t, b)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse(m, size)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 || m.read > maxHeader+1<<20 {
			t.Errorf("%s: %d bytes allocated, %d read", name, used, m.read)
		}
	}
}

func TestSplitNames(t *testing.T) {
	for name, want := range map[string]struct {
		base        string
		part, count int
		ok          bool
	}{
		"m-00001-of-00003.gguf":      {"m", 1, 3, true},
		"a-b.Q4-00003-of-00003.GGUF": {"a-b.Q4", 3, 3, true},
		"m-00000-of-00003.gguf":      {},
		"m-00004-of-00003.gguf":      {},
		"m-00001-of-00000.gguf":      {},
		"m-00001-of-99999.gguf":      {}, // over MaxParts
		"-00001-of-00002.gguf":       {},
		"m-1-of-3.gguf":              {},
		"m.gguf":                     {},
	} {
		base, part, count, ok := ParseSplit(name)
		if base != want.base || part != want.part || count != want.count || ok != want.ok {
			t.Errorf("%s: %q %d %d %v", name, base, part, count, ok)
		}
	}
	if got := SplitName("m", 2, 3); got != "m-00002-of-00003.gguf" {
		t.Error(got)
	}
}

func BenchmarkCheckSparse10GB(b *testing.B) {
	path := filepath.Join(b.TempDir(), "big.gguf")
	if err := os.WriteFile(path, model(1).tensor("t", F16, 0, 1<<20, 5000).data(0), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Truncate(path, 10<<30+1<<20); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Check(path); err != nil {
			b.Fatal(err)
		}
	}
}
