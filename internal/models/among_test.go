package models

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gguf/ggufwrite"
)

// thousand is a model directory of 1,000 models, all older than any clock's tick.
func thousand(b *testing.B) Env {
	dir := b.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range 1000 {
		path := filepath.Join(dir, fmt.Sprintf("org--repo-%d", i), "m-Q4_K_M.gguf")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			b.Fatal(err)
		}
		err := ggufwrite.WriteFile(path, []ggufwrite.KV{{Key: "general.architecture", Value: "llama"}},
			[]ggufwrite.Tensor{ggufwrite.Vector("t", make([]float32, 8))})
		if err != nil {
			b.Fatal(err)
		}
		os.Chtimes(path, old, old)
	}
	os.Chtimes(dir, old, old)
	return Env{ModelsDir: dir, Getenv: func(string) string { return "" }}
}

// BenchmarkResolveAmongThousand: the first time, and when nothing changed. Goals: 5 ms and 50 us.
func BenchmarkResolveAmongThousand(b *testing.B) {
	env := thousand(b)
	resolve := func(b *testing.B) {
		if _, err := Resolve(context.Background(), "hf:org/repo-777", env); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			clear(headers.good)
			clear(tops.read)
			resolve(b)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			resolve(b)
		}
	})
}

// What is remembered of the model directory must not outlive what happens behind its back.
func TestWhatComesAndGoesBehindItsBackIsSeen(t *testing.T) {
	p := newPlace(t)
	dir := filepath.Join(p.cwd, testModels)
	old := time.Now().Add(-time.Hour)
	settle := func() { // as if nothing had happened for an hour: then it is remembered
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
		old = old.Add(time.Minute)
	}
	p.model(".test-models/a/m.gguf")
	settle()
	p.finds("a", ".test-models/a/m.gguf")
	if len(tops.read[dir].folders) != 1 {
		t.Fatal("it is not remembered, so this test shows nothing")
	}
	p.refuses("b", fault.ModelNotFound)
	p.model(".test-models/b/m.gguf", ".test-models/loose.gguf")
	p.finds("b", ".test-models/b/m.gguf")
	p.finds("loose", ".test-models/loose.gguf")
	settle()
	p.finds("b", ".test-models/b/m.gguf")
	p.model(".test-models/a/n.gguf") // the directory itself does not change
	p.refuses("a", fault.ModelAmbiguous, "m.gguf", "n.gguf")
	if err := os.RemoveAll(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	p.refuses("b", fault.ModelNotFound)
	p.link("../outside", ".test-models/link")
	settle()
	p.refuses("link", fault.ModelNotFound)
	p.model("outside/m.gguf") // where the link leads, nobody looked
	p.refuses("link", fault.ModelRefInvalid, "leads out")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.refuses("a", fault.ModelNotFound)
}
