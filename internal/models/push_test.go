package models

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/gguf/ggufwrite"
)

func TestPushNameIsTheFilesNameWhereTheReferenceIsThisMachines(t *testing.T) {
	const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for ref, want := range map[string]string{
		"/data/My Model.gguf":            "My Model",
		"./x.gguf":                       "x",
		"../b/x.GGUF":                    "x",
		"x.gguf":                         "x",
		"file:///a/x.gguf" + digest:      "x" + digest,
		"/a/big-00002-of-00003.gguf":     "big",
		"/a/folder":                      "folder",
		".":                              "work",
		"/":                              "-",
		"/a/.hidden.gguf":                "hidden",
		"/a/we:ird\\name.gguf":           "we-ird-name",
		"/a/Demo.gguf":                   "Demo-copy",
		"ollama:llama3.2:1b":             "llama3.2-1b",
		"ollama:org/m":                   "org-m",
		"/a/" + strings.Repeat("ü", 120): strings.Repeat("ü", 80),
	} {
		if got, ok := PushName(ref, "/home/u/work"); !ok || got != want {
			t.Errorf("%s: %q %v, want %q", ref, got, ok, want)
		}
	}
	for _, ref := range []string{"tinyllama", "hf:org/repo", "hf:org/repo/x.gguf", "demo", "", "what:ever"} {
		if got, ok := PushName(ref, "/home/u"); ok {
			t.Errorf("%q is called %q", ref, got)
		}
	}
}

// What is pushed is found on the other machine by the words that named it here.
func TestWhatIsPlacedIsFoundAsIfItHadBeenDownloaded(t *testing.T) {
	src := t.TempDir()
	for ref, paths := range map[string][]string{
		"tinyllama":                      {"tinyllama/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"},
		"TinyLlama":                      {"hub/models--TheBloke--x/snapshots/abc/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"},
		"hf:Org/Repo":                    {"any/m.gguf"},
		"hf:Org/Repo:Q8_0":               {"hub/models--Org--Repo/snapshots/abc/Q8_0/m-00001-of-00002.gguf", "hub/models--Org--Repo/snapshots/abc/Q8_0/m-00002-of-00002.gguf"},
		"hf:Org/Repo/sub/x.gguf":         {"llama.cpp/Org_Repo_x.gguf"},
		"mine":                           {"mine/whatever.gguf"},
		src + "/own/My Model.gguf":       {"own/My Model.gguf"},
		src + "/two-00001-of-00002.gguf": {"two-00001-of-00002.gguf", "two-00002-of-00002.gguf"},
		src + "/demo.gguf":               {"demo.gguf"},
		"ollama:llama3.2:1b":             {"blobs/sha256-0123"},
		src + "/a:b.gguf":                {"a:b.gguf"},
	} {
		m := &Model{Path: filepath.Join(src, paths[0])}
		for _, p := range paths {
			m.Parts = append(m.Parts, filepath.Join(src, p))
		}
		if len(paths) == 1 {
			m.Parts = nil
		}
		folder, files, err := Placed(ref, src, m)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		there := ref
		if name, ok := PushName(ref, src); ok {
			there = name
		}
		env := Env{ModelsDir: t.TempDir(), Getenv: func(string) string { return "" }}
		var want []string
		for i, f := range files {
			path := filepath.Join(env.ModelsDir, folder, f)
			want = append(want, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			writePart(t, path, i, len(files))
		}
		found, err := Resolve(t.Context(), there, env)
		if err != nil {
			t.Errorf("%s, placed as %s %v and looked for as %s: %v", ref, folder, files, there, err)
			continue
		}
		if found.Path != want[0] || len(found.files()) != len(want) {
			t.Errorf("%s: found %v, want %v", ref, found.files(), want)
		}
	}
}

// writePart writes a small good model, or one part of it.
func writePart(t *testing.T, path string, no, count int) {
	t.Helper()
	err := ggufwrite.WriteFile(path, []ggufwrite.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "split.no", Value: int32(no)}, {Key: "split.count", Value: int32(count)},
	}, []ggufwrite.Tensor{ggufwrite.Vector(fmt.Sprintf("t%d", no), make([]float32, 8))})
	if err != nil {
		t.Fatal(err)
	}
}
