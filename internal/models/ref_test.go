package models

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/fault"
)

const someDigest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestReferenceForms(t *testing.T) {
	for text, want := range map[string]Ref{
		"demo":                               {Kind: Name, Name: "demo"},
		"TinyLlama":                          {Kind: Name, Name: "TinyLlama"},
		"my model v2.1":                      {Kind: Name, Name: "my model v2.1"},
		"x.gguf":                             {Kind: Name, Name: "x.gguf"},
		"..hidden":                           {Kind: Name, Name: "..hidden"},
		"hf:org/repo":                        {Kind: Hub, Org: "org", Repo: "repo"},
		"hf:org/repo:Q4_K_M":                 {Kind: Hub, Org: "org", Repo: "repo", Quant: "Q4_K_M"},
		"hf:The.Bloke/A-1.1B-GGUF/a.Q4.gguf": {Kind: Hub, Org: "The.Bloke", Repo: "A-1.1B-GGUF", File: "a.Q4.gguf"},
		"hf:org/repo/Q8_0/a-00001-of-2.gguf": {Kind: Hub, Org: "org", Repo: "repo", File: "Q8_0/a-00001-of-2.gguf"},
		"ollama:llama3.2":                    {Kind: Ollama, Name: "llama3.2"},
		"ollama:hf.co/o/r:Q8_0":              {Kind: Ollama, Name: "hf.co/o/r:Q8_0"},
		"file:///abs/m.gguf":                 {Kind: Path, Path: "/abs/m.gguf"},
		"file://localhost/abs/m%20n.gguf":    {Kind: Path, Path: "/abs/m n.gguf"},
		"/abs/m.gguf":                        {Kind: Path, Path: "/abs/m.gguf"},
		"./m.gguf":                           {Kind: Path, Path: "./m.gguf"},
		"../m.gguf":                          {Kind: Path, Path: "../m.gguf"},
		"~/m.gguf":                           {Kind: Path, Path: "~/m.gguf"},
		"dir/a:b.gguf":                       {Kind: Path, Path: "dir/a:b.gguf"},
		".":                                  {Kind: Path, Path: "."},
		"demo@sha256:" + someDigest:          {Kind: Name, Name: "demo", SHA256: someDigest},
		"/m@home.gguf":                       {Kind: Path, Path: "/m@home.gguf"},
		"hf:o/r:Q8_0@sha256:" + strings.ToUpper(someDigest): {Kind: Hub, Org: "o", Repo: "r", Quant: "Q8_0", SHA256: someDigest},
	} {
		want.Text = text
		if got, err := ParseRef(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestBadReferencesListTheAcceptedForms(t *testing.T) {
	for _, text := range []string{
		"", " ", "a\nb", "a\x00b", "a\x1bb", "\xff", strings.Repeat("a", 256), "/" + strings.Repeat("a", 4096),
		"http://host/m.gguf", "ollama:", "ollama:a/b/c/d", "ollama:../x", "ollama:a/../b", "ollama:a:b:c", "ollama:a:", "ollama:.x", "llama3:8b", "C:\\m.gguf", "a\\b", ":", "hf:", "hf:org", "hf:org/", "hf:/repo",
		"hf:org/repo:", "hf:org/repo:Q4 K", "hf:org/repo:../x", "hf:org/repo/", "hf:org/repo/readme.md", "hf:org/repo/../x.gguf",
		"hf:org/repo//x.gguf", "hf:org/repo/./x.gguf", "hf:org/repo/a/../../x.gguf", "hf:../repo", "hf:org/..", "hf:org/a--b",
		"hf:org/repo/.hidden.gguf", "hf:org/repo/a\\..\\x.gguf", "hf:-org/repo", "hf:org/re po", "file:", "file:m.gguf", "file://host/m.gguf",
		"file:///m%zz.gguf", "file:///m%00.gguf", "demo@sha256:", "demo@sha256:12", "demo@sha256:" + someDigest + "0",
		"@sha256:" + someDigest,
	} {
		_, err := ParseRef(text)
		e := fault.From(err)
		if e == nil || e.Code != fault.ModelRefInvalid || !strings.Contains(e.Hint, "hf:org/repo:Q4_K_M") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamesAsOllamaWritesThemAreToldTheirForm(t *testing.T) {
	for text, want := range map[string]string{
		"llama3:8b": "ollama:llama3:8b here", "qwen2.5:0.5b": "ollama:qwen2.5:0.5b here", "http://host/m.gguf": "", "C:\\m.gguf": "", ":": "",
	} {
		_, err := ParseRef(text)
		if e := fault.From(err); want == "" && strings.Contains(e.Hint, "Ollama has") || !strings.Contains(e.Hint, want) {
			t.Errorf("%q: %q", text, e.Hint)
		}
	}
}

func TestFolderNameIsWhereADownloadGoes(t *testing.T) {
	for text, want := range map[string]string{
		"TinyLlama": "tinyllama", "hf:TheBloke/Llama-2-7B-GGUF:Q8_0": "thebloke--llama-2-7b-gguf", "/x.gguf": "",
	} {
		r, err := ParseRef(text)
		if err != nil || FolderName(r) != want {
			t.Errorf("%s: %q, %v", text, FolderName(r), err)
		}
	}
}

// FuzzParseRef: no panic, and no name that could lead out of a folder.
func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"demo", "hf:a/b:c", "hf:a/b/c.gguf", "file:///a%20", "../x", "a@sha256:" + someDigest, "hf:a/../b.gguf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRef(text)
		if err != nil {
			if fault.CodeOf(err) != fault.ModelRefInvalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for _, name := range []string{FolderName(r), r.File} {
			if name != "" && (!filepath.IsLocal(name) || path.Clean(name) != name || strings.ContainsAny(name, "\x00\n")) {
				t.Errorf("%q leads to %q", text, name)
			}
		}
		if strings.Contains(FolderName(r), "/") || r.Kind == Path && r.Path == "" {
			t.Errorf("%q: %+v", text, r)
		}
	})
}
