package shelf

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/internal/models/fetch/fetchtest"
)

func TestVerifyKnowsTheDigestOfTheHubAndOfBlobs(t *testing.T) {
	hub := fetchtest.New()
	defer hub.Close()
	listed := hub.Add("Org/Small-GGUF", "small.Q4_K_M.gguf", []byte("weights"))
	dir := t.TempDir()
	env := models.Env{ModelsDir: dir, Local: true, Getenv: hub.Getenv}
	file := filepath.Join(dir, "org--small-gguf", "small.Q4_K_M.gguf")
	digests, err := hubDigests(context.Background(), "hf:Org/Small-GGUF", env, fetch.New(fetch.Options{Getenv: hub.Getenv}))
	if err != nil {
		t.Fatal(err)
	}
	if d, by := expected(file, models.Ref{}, digests); d != listed.SHA256 || by != "the hub" {
		t.Errorf("expected %s by %s, want %s", d, by, listed.SHA256)
	}
	if d, by := expected(file, models.Ref{SHA256: "ab"}, digests); d != "ab" || by != "the reference" {
		t.Errorf("expected %s by %s", d, by)
	}
	if none, err := hubDigests(context.Background(), "nobody", env, fetch.New(fetch.Options{Getenv: hub.Getenv})); none != nil || err != nil {
		t.Errorf("of a model that is from nowhere: %v, error %v", none, err)
	}

	blob := filepath.Join(dir, listed.SHA256)
	link := filepath.Join(dir, "snapshot.gguf")
	if err := os.WriteFile(blob, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(blob, link); err != nil {
		t.Fatal(err)
	}
	if d, by := expected(link, models.Ref{}, nil); d != listed.SHA256 || by != "the name of its blob" {
		t.Errorf("of a link into a cache: expected %q by %q", d, by)
	}
	if d, by := expected(filepath.Join(dir, "sha256-"+listed.SHA256), models.Ref{}, nil); d != listed.SHA256 || by == "" {
		t.Errorf("of Ollama's blob: expected %q by %q", d, by)
	}
	if d, _ := expected(filepath.Join(dir, "plain.gguf"), models.Ref{}, nil); d != "" {
		t.Errorf("of any file: expected %q", d)
	}
}
