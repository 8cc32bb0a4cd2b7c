package sources

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/gguf/ggufwrite"
	"rbee/internal/models"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// home is a user's home with what other programs left in it.
type home struct {
	t   *testing.T
	dir string
	env models.Env
}

func newHome(t *testing.T) *home {
	h := &home{t: t, dir: t.TempDir()}
	vars := map[string]string{"HOME": h.dir, "OLLAMA_MODELS": h.dir + "/.ollama/models"}
	getenv := func(name string) string { return vars[name] }
	h.env = models.Env{ModelsDir: filepath.Join(h.dir, "models"), Getenv: getenv, Sources: All(getenv),
		Fetcher: noFetch{t}}
	return h
}

// noFetch fails: what is there must not be downloaded.
type noFetch struct{ t *testing.T }

func (f noFetch) Fetch(_ context.Context, w models.Want) error {
	return fault.New(fault.DownloadFailed, "asked to download %s", w.Ref.Text)
}

func (h *home) path(path string) string {
	path = filepath.Join(h.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *home) write(path, content string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(path), []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// model writes a small good model, a part of one if count is over 1, and returns its digest.
func (h *home) model(path string, no, count int32) string {
	h.t.Helper()
	err := ggufwrite.WriteFile(h.path(path), []ggufwrite.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "split.no", Value: no}, {Key: "split.count", Value: count}, {Key: "x", Value: path},
	}, []ggufwrite.Tensor{ggufwrite.Vector(fmt.Sprintf("t%d", no), make([]float32, 8))})
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := os.ReadFile(h.path(path))
	if err != nil {
		h.t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// cached puts a model where the hub's programs would: a blob, and a link to it in the snapshot.
func (h *home) cached(repo, commit, file string, no, count int32) {
	h.t.Helper()
	folder := ".cache/huggingface/hub/models--" + strings.ReplaceAll(repo, "/", "--")
	digest := h.model(folder+"/new.gguf", no, count)
	if err := os.Rename(h.path(folder+"/new.gguf"), h.path(folder+"/blobs/"+digest)); err != nil {
		h.t.Fatal(err)
	}
	up := strings.Repeat("../", 2+strings.Count(file, "/"))
	if err := os.Symlink(up+"blobs/"+digest, h.path(folder+"/snapshots/"+commit+"/"+file)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) pulled(manifest string) {
	h.t.Helper()
	digest := h.model("new.gguf", 0, 1)
	if err := os.Rename(h.path("new.gguf"), h.path(".ollama/models/blobs/sha256-"+digest)); err != nil {
		h.t.Fatal(err)
	}
	h.write(".ollama/models/"+manifest, `{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.ollama.image.template","digest":"sha256:`+
		strings.Repeat("0", 64)+`"},{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:`+digest+`","size":1}]}`)
}

func (h *home) finds(ref, path, source string) {
	h.t.Helper()
	m, err := models.Resolve(context.Background(), ref, h.env)
	if err != nil {
		h.t.Errorf("%s: %v (%s)", ref, err, fault.From(err).Hint)
		return
	}
	if want := filepath.Join(h.dir, path); !strings.HasPrefix(m.Path, want) || !strings.HasPrefix(m.Source, source) || m.Ref != ref || m.Header == nil {
		h.t.Errorf("%s: %+v, want %s of %s", ref, m, want, source)
	}
}

func (h *home) refuses(ref string, code fault.Code, says ...string) {
	h.t.Helper()
	m, err := models.Resolve(context.Background(), ref, h.env)
	if fault.CodeOf(err) != code {
		h.t.Errorf("%s: %+v, %v, want %s", ref, m, err, code)
		return
	}
	for _, s := range says {
		if e := fault.From(err); !strings.Contains(e.Message+e.Hint, s) {
			h.t.Errorf("%s: %q does not say %q", ref, e.Message, s)
		}
	}
}

func TestTheHubCacheIsUsedInPlace(t *testing.T) {
	h := newHome(t)
	snapshot := ".cache/huggingface/hub/models--Org--Repo/snapshots/" + commit
	h.cached("Org/Repo", commit, "m-Q4_K_M.gguf", 0, 1)
	h.cached("Org/Repo", commit, "m-Q8_0.gguf", 0, 1)
	h.cached("Org/Repo", commit, "BF16/m-00001-of-00002.gguf", 0, 2)
	h.cached("Org/Repo", commit, "BF16/m-00002-of-00002.gguf", 1, 2)
	h.cached("Org/Repo", commit, "half-Q2_K-00001-of-00002.gguf", 0, 2)
	h.cached("Org/Repo", strings.Repeat("b", 40), "old-Q5_0.gguf", 0, 1)
	h.cached("TheBloke/Llama-2-7B-GGUF", commit, "llama-2-7b.Q8_0.gguf", 0, 1)
	h.write(".cache/huggingface/hub/models--Org--Repo/refs/main", commit)
	h.finds("hf:org/repo", snapshot+"/m-Q4_K_M.gguf", "Hugging Face cache")
	h.finds("hf:Org/Repo:q8_0", snapshot+"/m-Q8_0.gguf", "Hugging Face cache")
	h.finds("hf:Org/Repo/m-Q8_0.gguf", snapshot+"/m-Q8_0.gguf", "Hugging Face cache")
	h.finds("hf:Org/Repo:BF16", snapshot+"/BF16/m-00001", "Hugging Face cache")
	h.finds("hf:Org/Repo/BF16/m-00001-of-00002.gguf", snapshot+"/BF16/m-00001", "Hugging Face cache")
	h.finds("llama2", ".cache/huggingface/hub/models--TheBloke--Llama-2-7B-GGUF", "Hugging Face cache")
	for _, ref := range []string{"hf:Org/Repo:Q2_K", "hf:Org/Repo:Q5_0", "hf:Org/Other", "hf:Org/Repo/m-00001-of-00002.gguf"} {
		h.refuses(ref, fault.DownloadFailed) // it would be downloaded
	}
}

func TestAModelOfTheDirectoryGoesBeforeOnesElsewhere(t *testing.T) {
	h := newHome(t)
	h.cached("Org/Repo", commit, "m-Q4_K_M.gguf", 0, 1)
	h.model("models/org--repo/m-Q4_K_M.gguf", 0, 1)
	h.finds("hf:Org/Repo", "models/org--repo", "model directory")
}

func TestALinkThatLeavesTheCacheIsNotFollowed(t *testing.T) {
	h := newHome(t)
	h.model("outside.gguf", 0, 1)
	h.cached("Org/Repo", commit, "other.gguf", 0, 1)
	link := h.path(".cache/huggingface/hub/models--Org--Repo/snapshots/" + commit + "/m-Q4_K_M.gguf")
	if err := os.Symlink(filepath.Join(h.dir, "outside.gguf"), link); err != nil {
		t.Fatal(err)
	}
	h.refuses("hf:Org/Repo:Q4_K_M", fault.DownloadFailed)
}

func TestTheLlamaCacheIsUsedInPlace(t *testing.T) {
	h := newHome(t)
	h.env.Sources = []models.Source{llamaCache{filepath.Join(h.dir, "llama")}}
	h.model("llama/Org_Repo_m-Q4_K_M.gguf", 0, 1)
	h.model("llama/Org_Repo_Q8_0_m.gguf", 0, 1)
	h.model("llama/Org_Repository_m-Q6_K.gguf", 0, 1)
	h.write("llama/Org_Repo_m-Q2_K.gguf.downloadInProgress", "x")
	h.finds("hf:org/repo", "llama/Org_Repo_m-Q4_K_M.gguf", "llama.cpp cache")
	h.finds("hf:Org/Repo/m-Q4_K_M.gguf", "llama/Org_Repo_m-Q4_K_M.gguf", "llama.cpp cache")
	h.finds("hf:Org/Repo/Q8_0/m.gguf", "llama/Org_Repo_Q8_0_m.gguf", "llama.cpp cache")
	for _, ref := range []string{"hf:Org/Repo:Q6_K", "hf:Org/Repo:Q2_K", "hf:Org/Repo/other.gguf"} {
		h.refuses(ref, fault.DownloadFailed)
	}
}

func TestLMStudioIsUsedInPlace(t *testing.T) {
	h := newHome(t)
	h.model(".lmstudio/models/Org/Repo/m-Q4_K_M.gguf", 0, 1)
	h.model(".lmstudio/models/Org/Repo/mmproj-m.gguf", 0, 1)
	h.model(".cache/lm-studio/models/Org/Older/m.gguf", 0, 1)
	h.finds("hf:org/repo:Q4_K_M", ".lmstudio/models/Org/Repo/m-Q4_K_M.gguf", "LM Studio")
	h.finds("hf:Org/Older", ".cache/lm-studio/models/Org/Older/m.gguf", "LM Studio")
	h.refuses("hf:Org/Repo:Q8_0", fault.DownloadFailed)
}

func TestOllamaIsUsedByManifest(t *testing.T) {
	h := newHome(t)
	h.pulled("manifests/registry.ollama.ai/library/llama3.2/latest")
	h.pulled("manifests/registry.ollama.ai/library/llama3.2/1b")
	h.pulled("manifests/registry.ollama.ai/someone/tuned/v1")
	h.pulled("manifests/hf.co/Org/Repo/Q8_0")
	for _, ref := range []string{"ollama:llama3.2", "ollama:llama3.2:latest", "ollama:Llama3.2:1B", "ollama:library/llama3.2", "ollama:someone/tuned:v1", "hf:Org/Repo:Q8_0"} {
		h.finds(ref, ".ollama/models/blobs/sha256-", "Ollama")
	}
	h.refuses("ollama:missing", fault.ModelNotFound, "ollama:llama3.2:1b", "ollama:someone/tuned:v1")
	h.refuses("ollama:llama3.2:3b", fault.ModelNotFound)
	h.refuses("hf:Org/Repo", fault.DownloadFailed)
}

func TestManifestsThatCannotBeBelievedAreNotSeen(t *testing.T) {
	h := newHome(t)
	const at = ".ollama/models/manifests/registry.ollama.ai/library/m/"
	layer := func(digest string) string {
		return `{"mediaType":"application/vnd.ollama.image.model","digest":"` + digest + `"}`
	}
	digest := h.model(".ollama/models/blobs/x", 0, 1)
	if err := os.Rename(h.path(".ollama/models/blobs/x"), h.path(".ollama/models/blobs/sha256-"+digest)); err != nil {
		t.Fatal(err)
	}
	good := "sha256:" + digest
	h.write(at+"good", `{"layers":[`+layer(good)+`]}`)
	h.finds("ollama:m:good", ".ollama/models/blobs/sha256-"+digest, "Ollama")
	for tag, manifest := range map[string]string{
		"json": "{", "empty": "", "none": `{"layers":[]}`, "path": `{"layers":[` + layer("sha256:../../../../etc/passwd") + `]}`,
		"short": `{"layers":[` + layer("sha256:12") + `]}`, "two": `{"layers":[` + layer(good) + `,` + layer(good) + `]}`,
		"long": strings.Repeat(" ", maxManifest) + `{"layers":[` + layer(good) + `]}`,
	} {
		h.write(at+tag, manifest)
		h.refuses("ollama:m:"+tag, fault.ModelNotFound)
	}
	h.write(at+"gone", `{"layers":[`+layer("sha256:"+strings.Repeat("a", 64))+`]}`)
	h.refuses("ollama:m:gone", fault.ModelNotFound)
}

func TestTheListSaysWhereEachComesFrom(t *testing.T) {
	h := newHome(t)
	h.cached("Org/Repo", commit, "m-Q4_K_M.gguf", 0, 1)
	h.cached("Org/Repo", commit, "half-Q2_K-00001-of-00002.gguf", 0, 2)
	h.model(".cache/llama.cpp/Org_Repo_l.gguf", 0, 1)
	h.model(".lmstudio/models/Org/Studio/s.gguf", 0, 1)
	h.pulled("manifests/registry.ollama.ai/library/llama3.2/latest")
	found, err := models.List(context.Background(), h.env)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		kind, _, _ := strings.Cut(m.Source, " (")
		got = append(got, fmt.Sprintf("%s %s %s", m.Ref, kind, fault.CodeOf(m.Broken)))
		if m.Broken == nil { // what is listed can be had by what it is listed as
			h.finds(m.Ref, "", "")
		}
	}
	want := []string{"hf:Org/Repo/half-Q2_K-00001-of-00002.gguf Hugging Face cache MODEL_CORRUPT", "hf:Org/Repo/m-Q4_K_M.gguf Hugging Face cache ",
		h.dir + "/.cache/llama.cpp/Org_Repo_l.gguf llama.cpp cache ", "hf:Org/Studio/s.gguf LM Studio ", "ollama:llama3.2:latest Ollama "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// FuzzManifest: the digest of a manifest goes into a path, so it is nothing but hex digits.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:` + strings.Repeat("a", 64) + `"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d := weights(b); d != "" && (len(d) != 64 || strings.Trim(d, "0123456789abcdef") != "") {
			t.Errorf("%q", d)
		}
	})
}
