package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rbee/internal/gguf"
	"rbee/internal/gguf/ggufwrite"
	"rbee/internal/models"
)

// meter counts what is read of a file.
type meter struct {
	io.ReaderAt
	read int64
}

func (m *meter) ReadAt(b []byte, at int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(b, at)
	m.read += int64(n)
	return n, err
}

// vocabulary is 128,000 pieces and their scores, as the largest models have them: most of a header is that.
func vocabulary() []ggufwrite.KV {
	pieces, scores := make([]string, 128000), make([]float32, 128000)
	for i := range pieces {
		pieces[i] = fmt.Sprintf("a piece of text %d", i)
	}
	return []ggufwrite.KV{{Key: "general.architecture", Value: "llama"}, {Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.tokens", Value: pieces}, {Key: "tokenizer.ggml.scores", Value: scores}}
}

// BenchmarkHeaderCheck is the check of a file of 10 GB (sparse) with a large vocabulary, 21 times. Goals: 20 ms, and
// less than 8 MB read.
func BenchmarkHeaderCheck(b *testing.B) {
	path := filepath.Join(b.TempDir(), "big.gguf")
	if err := ggufwrite.WriteFile(path, vocabulary(), []ggufwrite.Tensor{ggufwrite.Vector("t", make([]float32, 8))}); err != nil {
		b.Fatal(err)
	}
	const size = 10 << 30
	if err := os.Truncate(path, size); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var took []time.Duration
		for range 21 {
			began := time.Now()
			if _, err := gguf.Check(path); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		m := &meter{ReaderAt: f}
		_, err = gguf.Parse(m, size)
		f.Close()
		if err != nil {
			b.Fatal(err)
		}
		ms, mb := float64(median(took).Microseconds())/1000, float64(m.read)/1e6
		b.ReportMetric(ms, "ms")
		b.ReportMetric(mb, "MB-read")
		atMost(b, "header check of a 10 GB file", "ms", 20, ms)
		atMost(b, "header check of a 10 GB file, read", "MB", 8, mb)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkResolve is finding one of 1,000 models: for the first time, in 7 folders, and then again when nothing has
// changed, 15 times each. Goals: 5 ms and 50 us.
func BenchmarkResolve(b *testing.B) {
	for b.Loop() {
		var first, again []time.Duration
		for range 7 {
			env := models.Env{ModelsDir: thousand(b), Getenv: func(string) string { return "" }}
			for i := range 16 {
				began := time.Now()
				if _, err := models.Resolve(context.Background(), "hf:org/repo-777", env); err != nil {
					b.Fatal(err)
				}
				if i == 0 {
					first = append(first, time.Since(began))
				} else {
					again = append(again, time.Since(began))
				}
			}
		}
		us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
		b.ReportMetric(us(median(first))/1000, "first-ms")
		b.ReportMetric(us(median(again)), "again-us")
		atMost(b, "resolve among 1,000 models, first", "ms", 5, us(median(first))/1000)
		atMost(b, "resolve among 1,000 models, again", "us", 50, us(median(again)))
	}
	b.ReportMetric(0, "ns/op")
}

// thousand makes a model directory that was not changed for a while.
func thousand(b *testing.B) string {
	dir, old := b.TempDir(), time.Now().Add(-time.Hour)
	for i := range 1000 {
		path := filepath.Join(dir, fmt.Sprintf("org--repo-%d", i), "m-Q4_K_M.gguf")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			b.Fatal(err)
		}
		err := ggufwrite.WriteFile(path, []ggufwrite.KV{{Key: "general.architecture", Value: "llama"}}, []ggufwrite.Tensor{ggufwrite.Vector("t", make([]float32, 8))})
		if err != nil {
			b.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.Chtimes(dir, old, old); err != nil {
		b.Fatal(err)
	}
	return dir
}
