package models

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models/demo"
)

func TestDemoIsWrittenOnceAndAgainWhenItIsNotOurs(t *testing.T) {
	p := newPlace(t)
	path := ".test-models/demo/demo.gguf"
	m := p.finds("demo", path)
	if m.Name != demo.Name || m.Size != demo.Size || m.Source != "built in" {
		t.Errorf("%+v", m)
	}
	info := func() os.FileInfo {
		i, err := os.Stat(filepath.Join(p.cwd, path))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	written := info()
	p.finds("Demo", path)
	p.finds("demo@sha256:"+demo.SHA256, path)
	if !os.SameFile(written, info()) || !written.ModTime().Equal(info().ModTime()) {
		t.Error("it was written again")
	}
	for _, spoil := range []func(){
		func() { p.write(path, "") },
		func() { p.model(path) }, // a good model, but another
		func() { os.Truncate(filepath.Join(p.cwd, path), demo.Size-1) },
	} {
		spoil()
		p.finds("demo@sha256:"+demo.SHA256, path)
	}
}

func TestEightResolveTheDemoAtOnce(t *testing.T) {
	p := newPlace(t)
	p.env.ModelsDir = filepath.Join(p.cwd, "new", "models")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := Resolve(context.Background(), "demo@sha256:"+demo.SHA256, p.env); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(filepath.Join(p.env.ModelsDir, "demo"))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestDemoThatCannotBeWrittenSaysWhere(t *testing.T) {
	p := newPlace(t)
	p.write("file", "")
	p.env.ModelsDir = filepath.Join(p.cwd, "file")
	p.refuses("demo", fault.ModelAccessDenied, p.env.ModelsDir, "--models-dir")
}

func BenchmarkResolveDemo(b *testing.B) {
	env := Env{ModelsDir: b.TempDir(), Local: true, Getenv: func(string) string { return "" }}
	if _, err := Resolve(context.Background(), "demo", env); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		clear(headers.good) // every run is a new process
		if _, err := Resolve(context.Background(), "demo", env); err != nil {
			b.Fatal(err)
		}
	}
}
