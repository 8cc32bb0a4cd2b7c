package ggufwrite

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rbee/internal/gguf"
)

var metadata = []KV{
	{"general.architecture", "llama"}, {"general.file_type", uint32(1)}, {"a", int32(-1)}, {"b", float32(2)},
	{"c", true}, {"tokenizer.ggml.tokens", []string{"x", ""}}, {"d", []float32{1}}, {"e", []int32{1, 2}},
}

func TestWhatIsWrittenPassesTheCheck(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, metadata, []Tensor{Matrix("m", 3, 5, make([]float32, 15)), Vector("v", []float32{1})})
	if err != nil {
		t.Fatal(err)
	}
	h, err := gguf.Parse(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if h.Tensors != 2 || h.TensorBytes != 34 || h.Vocabulary != 2 || h.FileType != 1 {
		t.Errorf("%+v", h)
	}
}

func TestATensorOfTheWrongSizeIsReported(t *testing.T) {
	err := Write(io.Discard, nil, []Tensor{{"t", gguf.F32, []uint64{8}, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 31))
		return err
	}}})
	if err == nil || !strings.Contains(err.Error(), "31") {
		t.Error(err)
	}
}

func TestHalfRoundsToNearest(t *testing.T) {
	for f, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65520: 0x7c00, 1e-6: 0, 0.1: 0x2e66, 1.9998: 0x4000, 6.2e-5: 0x0410,
		float32(math.Inf(-1)): 0xfc00,
	} {
		if got := Half(f); got != want {
			t.Errorf("%v: %04x, want %04x", f, got, want)
		}
	}
}

func TestAFailedWriteLeavesWhatWasThere(t *testing.T) {
	for name, write := range map[string]func(string, func(io.Writer) error) error{
		"unnamed": func(p string, w func(io.Writer) error) error { _, err := writeUnnamed(p, w); return err },
		"aside":   writeAside,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			full := errors.New("disk full")
			_ = write(path, func(w io.Writer) error {
				w.Write([]byte("half"))
				return full
			})
			checkOnly(t, path, "old")
			if err := writeAside(path, func(w io.Writer) error { _, err := w.Write([]byte("new")); return err }); err != nil {
				t.Fatal(err)
			}
			checkOnly(t, path, "new")
		})
	}
}

// checkOnly fails unless path is the only file in its folder, private, and has that content.
func checkOnly(t *testing.T, path, content string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != content {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestManyWritersLeaveOneWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "m.gguf")
	want := []float32{1, 2, 3}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := WriteFile(path, metadata, []Tensor{Vector("v", want)}); err != nil {
					t.Error(err)
				}
				if _, err := gguf.Check(path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var b bytes.Buffer
	if err := Write(&b, metadata, []Tensor{Vector("v", want)}); err != nil {
		t.Fatal(err)
	}
	checkOnly(t, path, b.String())
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
}
