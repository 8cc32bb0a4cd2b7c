package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/gguf/ggufwrite"
)

func TestEveryFormFindsItsFile(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/tinyllama/tinyllama.gguf", ".test-models/Mixed-Case/a.gguf", ".test-models/loose.gguf",
		".test-models/org--repo/m.Q4_K.gguf", ".test-models/org--repo/m.Q4_K_M.gguf", ".test-models/org--repo/m-q8_0.gguf",
		".test-models/vision/v.gguf", ".test-models/vision/mmproj-v.gguf", ".test-models/two words/x.gguf",
		"own.gguf", "sub/one.gguf", "a:b.gguf")
	digest := func(path string) string {
		b, err := os.ReadFile(filepath.Join(p.cwd, path))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	}
	for ref, path := range map[string]string{
		"tinyllama":                      ".test-models/tinyllama/tinyllama.gguf",
		"TINYLLAMA":                      ".test-models/tinyllama/tinyllama.gguf",
		"mixed-case":                     ".test-models/Mixed-Case/a.gguf",
		"loose":                          ".test-models/loose.gguf",
		"Loose.gguf":                     ".test-models/loose.gguf",
		"vision":                         ".test-models/vision/v.gguf",
		"two words":                      ".test-models/two words/x.gguf",
		"hf:Org/Repo:q4_k":               ".test-models/org--repo/m.Q4_K.gguf",
		"hf:Org/Repo:Q4_K_M":             ".test-models/org--repo/m.Q4_K_M.gguf",
		"hf:org/repo:Q8_0":               ".test-models/org--repo/m-q8_0.gguf",
		"hf:org/repo/m-q8_0.gguf":        ".test-models/org--repo/m-q8_0.gguf",
		"own.gguf":                       "own.gguf",
		"./own.gguf":                     "own.gguf",
		"sub":                            "", // no such name: below
		"./sub":                          "sub/one.gguf",
		"sub/../own.gguf":                "own.gguf",
		"./a:b.gguf":                     "a:b.gguf",
		filepath.Join(p.cwd, "own.gguf"): "own.gguf",
		"file://" + filepath.Join(p.cwd, "own.gguf"):        "own.gguf",
		"loose@sha256:" + digest(".test-models/loose.gguf"): ".test-models/loose.gguf",
	} {
		if path != "" {
			p.finds(ref, path)
		}
	}
	p.refuses("sub", fault.ModelNotFound)
	p.refuses("loose@sha256:"+someDigest, fault.ModelCorrupt, someDigest, digest(".test-models/loose.gguf"))
}

func TestShortNameTakesItsOwnFileAmongSeveral(t *testing.T) {
	p := newPlace(t)
	want := ".test-models/tinyllama/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"
	p.model(want, ".test-models/tinyllama/tinyllama-1.1b-chat-v1.0.Q8_0.gguf")
	p.finds("tinyllama", want)
	fetched := ".test-models/qwen--qwen2.5-0.5b-instruct-gguf/qwen2.5-0.5b-instruct-q4_k_m.gguf" // by its long name
	p.model(fetched, ".test-models/qwen--qwen2.5-0.5b-instruct-gguf/other.gguf")
	p.finds("qwen", fetched)
}

func TestNotFoundListsWhatThereIs(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/one/a.gguf", ".test-models/two.gguf")
	p.refuses("three", fault.ModelNotFound, "three", ".test-models", "demo, two, one", "llama2, llama3, phi3, qwen, tinyllama", "hf:org/repo")
	p.refuses("phi3", fault.ModelNotFound, "Phi-3-mini-4k-instruct-q4.gguf", "phi3")
	p.refuses("hf:org/repo:Q4_0", fault.ModelNotFound, "org--repo")
	p.refuses("org/repo", fault.ModelNotFound, "hf:org/repo")
	p.refuses("/no/such.gguf", fault.ModelNotFound, "/no/such.gguf")
	p.refuses("./one", fault.ModelNotFound)
}

func TestAmbiguousListsTheCandidates(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/m/a.gguf", ".test-models/m/b.gguf", ".test-models/org--repo/x-Q4_0.gguf", ".test-models/org--repo/y-Q4_0.gguf",
		".test-models/same/a.gguf", ".test-models/same.gguf", ".test-models/CASE/a.gguf", ".test-models/case/a.gguf")
	p.refuses("m", fault.ModelAmbiguous, "/m/a.gguf", "/m/b.gguf")
	p.refuses("./.test-models/m", fault.ModelAmbiguous, "/m/a.gguf", "/m/b.gguf")
	p.refuses("hf:org/repo", fault.ModelAmbiguous, "x-Q4_0", "y-Q4_0")
	p.refuses("hf:org/repo:q4_0", fault.ModelAmbiguous)
	p.refuses("same", fault.ModelAmbiguous, "same.gguf", "same/a.gguf")
	p.refuses("Case", fault.ModelAmbiguous, "CASE", "case")
	p.finds("case", ".test-models/case/a.gguf")
}

func TestSplitModelIsOne(t *testing.T) {
	p := newPlace(t)
	for i := range int32(3) {
		p.part(".test-models/big/"+gguf.SplitName("big-Q4_0", int(i)+1, 3), i, 3)
	}
	first := ".test-models/big/big-Q4_0-00001-of-00003.gguf"
	for _, ref := range []string{"big", "./" + first, "./.test-models/big/big-Q4_0-00003-of-00003.gguf", "./.test-models/big"} {
		m := p.finds(ref, first)
		if len(m.Parts) != 3 || m.Header.Tensors != 3 || m.Size != 3*m.Header.FileSize {
			t.Errorf("%s: %+v %+v", ref, m, m.Header)
		}
	}
	p.refuses("big@sha256:"+someDigest, fault.ModelRefInvalid, "3")
	if err := os.Remove(filepath.Join(p.cwd, ".test-models/big/big-Q4_0-00002-of-00003.gguf")); err != nil {
		t.Fatal(err)
	}
	p.refuses("big", fault.ModelCorrupt, "2 of 3", "big-Q4_0-00002-of-00003.gguf")
	p.part(".test-models/big/big-Q4_0-00002-of-00003.gguf", 2, 3) // a copy of the wrong part
	p.refuses("big", fault.ModelCorrupt, "expected file 2 of 3, found file 3 of 3")
	p.write(".test-models/big/big-Q4_0-00002-of-00003.gguf", "GG")
	p.refuses("big", fault.ModelCorrupt, "00002-of-00003")
}

func TestBrokenFilesAreRefusedHoweverTheyAreNamed(t *testing.T) {
	p := newPlace(t)
	p.write(".test-models/empty/m.gguf", "")
	p.write(".test-models/picture/m.gguf", "\x89PNG\r\n\x1a\n")
	p.model(".test-models/cut/m.gguf")
	if err := os.Truncate(filepath.Join(p.cwd, ".test-models/cut/m.gguf"), 190); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(p.cwd, ".test-models/pipe.gguf"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(p.cwd, "folder.gguf"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.refuses("empty", fault.ModelCorrupt, "empty/m.gguf", "an empty one")
	p.refuses("picture", fault.ModelCorrupt, "PNG")
	p.refuses("cut", fault.ModelCorrupt, "expected", "truncated")
	p.refuses("pipe", fault.ModelCorrupt, "a named pipe")
	p.refuses("./folder.gguf", fault.ModelCorrupt, "folder")
	p.refuses("/dev/zero", fault.ModelCorrupt, "a device")
	vocabulary := []ggufwrite.KV{{Key: "general.architecture", Value: "llama"}}
	if err := ggufwrite.WriteFile(filepath.Join(p.cwd, "vocab.gguf"), vocabulary, nil); err != nil {
		t.Fatal(err)
	}
	p.refuses("vocab.gguf", fault.ModelCorrupt, "without weights")
}

func TestUnreadableFileSaysSo(t *testing.T) {
	if os.Geteuid() == 0 {
		p := newPlace(t) // root reads everything: a name through a file gives the other error that is no lie of the file's
		p.model("m.gguf")
		p.refuses("./m.gguf/x", fault.ModelCorrupt, "not a directory")
		return
	}
	p := newPlace(t)
	p.model("m.gguf")
	if err := os.Chmod(filepath.Join(p.cwd, "m.gguf"), 0); err != nil {
		t.Fatal(err)
	}
	p.refuses("m.gguf", fault.ModelAccessDenied, "permission denied", "chmod")
}

func TestANameNeverLeavesTheModelDirectory(t *testing.T) {
	p := newPlace(t)
	p.model("outside/m.gguf", ".test-models/real/m.gguf", "outside/demo.gguf")
	p.link(filepath.Join(p.cwd, "outside"), ".test-models/out")
	p.link("../outside/m.gguf", ".test-models/file.gguf")
	p.link(filepath.Join(p.cwd, "outside"), ".test-models/demo")
	p.link("real", ".test-models/alias") // stays inside
	p.link("nowhere", ".test-models/dangling.gguf")
	p.refuses("out", fault.ModelRefInvalid, "leads out", ".test-models/out")
	p.refuses("file", fault.ModelRefInvalid, "leads out")
	p.refuses("demo", fault.ModelRefInvalid, "leads out")
	p.refuses("dangling", fault.ModelNotFound)
	p.refuses("..", fault.ModelCorrupt)
	p.finds("alias", ".test-models/alias/m.gguf")
	p.finds("./.test-models/out/m.gguf", ".test-models/out/m.gguf") // a path is the user's own word
}

func TestAnotherMachineKnowsNoRelativePath(t *testing.T) {
	p := newPlace(t)
	p.model("own.gguf", ".test-models/mine/m.gguf", "cache/rbee/models/theirs/m.gguf")
	p.env.Local = false
	p.env.Getenv = func(name string) string {
		return map[string]string{"XDG_CACHE_HOME": filepath.Join(p.cwd, "cache")}[name]
	}
	p.refuses("./own.gguf", fault.ModelRefInvalid, "a path of that node")
	p.refuses("own.gguf", fault.ModelNotFound)
	p.refuses("mine", fault.ModelNotFound, "theirs")
	p.finds("theirs", "cache/rbee/models/theirs/m.gguf")
	p.finds(filepath.Join(p.cwd, "own.gguf"), "own.gguf")
	p.env.ModelsDir = "some/dir"
	p.refuses("theirs", fault.ModelRefInvalid, "a path of that node")
}

func TestHeadersAreReadAgainWhenTheFileChanges(t *testing.T) {
	p := newPlace(t)
	p.model("m.gguf")
	path := filepath.Join(p.cwd, "m.gguf")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	first := p.finds("m.gguf", path)
	if again, err := headers.check(path); err != nil || again.Tensors != first.Header.Tensors {
		t.Error(again, err)
	}
	p.write("m.gguf", strings.Repeat("x", int(first.Size)))
	p.refuses("m.gguf", fault.ModelCorrupt, "magic")
}

// fetcher is a download that succeeds, or fails.
type fetcher struct {
	err   error
	fetch func(dir string)
	calls int
}

func (f *fetcher) Fetch(_ context.Context, w Want) error {
	f.calls++
	if f.err == nil {
		f.fetch(filepath.Join(w.Dir, w.Folder))
	}
	return f.err
}

func TestWhatIsMissingIsFetchedOnlyIfItIsKnownWhere(t *testing.T) {
	p := newPlace(t)
	f := &fetcher{fetch: func(folder string) {
		rel, err := filepath.Rel(p.cwd, folder)
		if err != nil {
			t.Fatal(err)
		}
		p.model(filepath.Join(rel, "m.gguf"))
	}}
	p.env.Fetcher = f
	p.finds("llama2", ".test-models/llama2/m.gguf")
	p.finds("llama2", ".test-models/llama2/m.gguf")
	p.finds("hf:Org/Repo", ".test-models/org--repo/m.gguf")
	p.refuses("unknown", fault.ModelNotFound)
	p.refuses("./unknown", fault.ModelNotFound)
	if f.calls != 2 {
		t.Errorf("%d fetches", f.calls)
	}
	f.err = fault.New(fault.DiskFull, "full")
	p.refuses("llama3", fault.DiskFull)
}

func TestListShowsBrokenModelsToo(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/good/m.gguf", ".test-models/loose.gguf", "outside/m.gguf")
	p.write(".test-models/bad/m.gguf", "no")
	p.write(".test-models/empty/readme.md", "no model")
	p.link("../outside", ".test-models/out")
	found, err := List(context.Background(), p.env)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, fmt.Sprintf("%s %v %v", m.Name, m.Header != nil, fault.CodeOf(m.Broken)))
	}
	want := "loose true |bad false MODEL_CORRUPT|good true |out false MODEL_REF_INVALID"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestVerifyingStopsWithItsContext(t *testing.T) {
	p := newPlace(t)
	p.model("m.gguf")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Resolve(ctx, "m.gguf@sha256:"+someDigest, p.env); err != context.Canceled {
		t.Error(err)
	}
}
