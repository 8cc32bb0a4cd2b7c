package fetch

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/fault"
	"rbee/internal/gguf/ggufwrite"
	"rbee/internal/models"
	"rbee/internal/models/fetch/fetchtest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(childHub); address != "" {
		os.Exit(child(address))
	}
	goleak.VerifyTestMain(m)
}

// place is a hub and an empty model directory of a node that knows it.
type place struct {
	t   *testing.T
	hub *fetchtest.Hub
	dir string
	f   *Fetcher

	mu    sync.Mutex
	waits []time.Duration // asked for between attempts; nobody really waits
}

const segment = 64 << 10

func newPlace(t *testing.T) *place {
	p := &place{t: t, hub: fetchtest.New(), dir: filepath.Join(t.TempDir(), "models")}
	p.f = p.fetcher()
	t.Cleanup(p.hub.Close)
	return p
}

// fetcher is one as another process would have it.
func (p *place) fetcher() *Fetcher {
	tr := transport().(*http.Transport)
	p.t.Cleanup(tr.CloseIdleConnections)
	f := New(Options{Getenv: p.hub.Getenv, Segment: segment, Stall: 30 * time.Second, Transport: tr})
	f.wait = func(ctx context.Context, d time.Duration) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waits = append(p.waits, d)
		return ctx.Err()
	}
	return f
}

func (p *place) want(ref string) models.Want {
	p.t.Helper()
	r, err := models.ParseRef(ref)
	if err != nil {
		p.t.Fatal(err)
	}
	return models.Want{Ref: r, Dir: p.dir, Folder: models.FolderName(r), Org: r.Org, Repo: r.Repo, Quant: r.Quant, File: r.File}
}

func (p *place) fetch(ref string) error { return p.f.Fetch(p.t.Context(), p.want(ref)) }

// has fails unless the file is there with that content, and nothing else is in its folder but the other names.
func (p *place) has(path string, content []byte, others ...string) {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, path))
	if err != nil {
		p.t.Fatal(err)
	}
	if !bytes.Equal(b, content) {
		p.t.Errorf("%s: other content", path)
	}
	if got, want := p.names(filepath.Dir(path)), append([]string{filepath.Base(path)}, others...); !slices.Equal(got, want) {
		p.t.Errorf("there is %q, want %q", got, want)
	}
}

// names is what is in a folder.
func (p *place) names(folder string) (names []string) {
	entries, _ := os.ReadDir(filepath.Join(p.dir, folder))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// gets fails unless the fetch succeeds.
func (p *place) gets(ref string) {
	p.t.Helper()
	if err := p.fetch(ref); err != nil {
		e := fault.From(err)
		p.t.Fatalf("%s: %s: %v (%s)", ref, e.Code, e, e.Hint)
	}
}

// refuses fails unless the fetch fails with that code and its text says all of it.
func (p *place) refuses(ref string, code fault.Code, says ...string) *fault.Error {
	p.t.Helper()
	err := p.fetch(ref)
	if err == nil {
		p.t.Fatalf("%s was fetched", ref)
	}
	e := fault.From(err)
	if e.Code != code {
		p.t.Errorf("%s: %v, want %s", e.Code, e, code)
	}
	if e.Hint == "" {
		p.t.Errorf("%v: no hint", e)
	}
	for _, s := range says {
		if !strings.Contains(e.Message+" | "+e.Hint, s) {
			p.t.Errorf("%q (%q) does not say %q", e.Message, e.Hint, s)
		}
	}
	if strings.Contains(e.Message, "signature=") {
		p.t.Errorf("%q shows a signed address", e.Message)
	}
	return e
}

// random is content that has no two equal parts.
func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// model is a small good model, or a part of one.
func model(t *testing.T, no, count int32) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.gguf")
	err := ggufwrite.WriteFile(path, []ggufwrite.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "split.no", Value: no}, {Key: "split.count", Value: count},
	}, []ggufwrite.Tensor{ggufwrite.Vector(fmt.Sprintf("t%d", no), make([]float32, 8))})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
