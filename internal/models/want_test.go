package models

import (
	"context"
	"testing"

	"rbee/internal/fault"
)

func TestTheUsersOwnShortNames(t *testing.T) {
	p := newPlace(t)
	p.env.Names = map[string]string{"Mine": "hf:Org/Repo:Q8_0", "qwen": "hf:Org/Repo/m-Q4_K_M.gguf", "bad": "/path.gguf", "llama2": "rubbish:"}
	p.model(".test-models/org--repo/m-Q8_0.gguf", ".test-models/org--repo/m-Q4_K_M.gguf")
	p.finds("mine", ".test-models/org--repo/m-Q8_0.gguf")
	p.finds("QWEN", ".test-models/org--repo/m-Q4_K_M.gguf") // the user's word goes before the built-in one
	p.refuses("bad", fault.ModelNotFound)
	p.env.Fetcher = fetcherFunc(func(w Want) error { t.Errorf("fetched %+v", w); return nil })
	p.refuses("llama2", fault.ModelNotFound)
	for name, text := range map[string]string{"a/b": "hf:o/r", "a:b": "hf:o/r", "": "hf:o/r", "x": "/p.gguf", "y": "tinyllama", "z": ""} {
		if _, err := CheckShort(name, text); fault.CodeOf(err) != fault.ModelRefInvalid {
			t.Errorf("%q = %q: %v", name, text, err)
		}
	}
	if r, err := CheckShort("ok", "hf:o/r:Q8_0"); err != nil || r.Quant != "Q8_0" {
		t.Errorf("%+v, %v", r, err)
	}
}

type fetcherFunc func(Want) error

func (f fetcherFunc) Fetch(_ context.Context, w Want) error { return f(w) }

func TestWhatAShortNameFetchedIsFoundByItsLongName(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/llama2/llama-2-7b.Q8_0.gguf", ".test-models/llama3/other.gguf")
	p.finds("hf:TheBloke/Llama-2-7B-GGUF", ".test-models/llama2/llama-2-7b.Q8_0.gguf")
	p.finds("hf:TheBloke/Llama-2-7B-GGUF:Q8_0", ".test-models/llama2/llama-2-7b.Q8_0.gguf")
	p.refuses("hf:TheBloke/Llama-2-7B-GGUF:Q4_K_M", fault.ModelNotFound)
	p.refuses("hf:QuantFactory/Meta-Llama-3-8B-Instruct-GGUF", fault.ModelNotFound) // the folder's file is not that one
}

func TestWantSaysWhereOnTheHub(t *testing.T) {
	p := newPlace(t)
	for ref, want := range map[string]Want{
		"tinyllama":            {Org: "TheBloke", Repo: "TinyLlama-1.1B-Chat-v1.0-GGUF", File: "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", Folder: "tinyllama"},
		"hf:Org/Repo:Q8_0":     {Org: "Org", Repo: "Repo", Quant: "Q8_0", Folder: "org--repo"},
		"hf:Org/Repo/a/b.gguf": {Org: "Org", Repo: "Repo", File: "a/b.gguf", Folder: "org--repo"},
	} {
		w, err := WantOf(ref, p.env)
		if err != nil || w.Org != want.Org || w.Repo != want.Repo || w.Quant != want.Quant || w.File != want.File || w.Folder != want.Folder || w.Ref.Text != ref || w.Dir == "" {
			t.Errorf("%s: %+v, %v", ref, w, err)
		}
	}
	for _, ref := range []string{"demo", "unknown", "/x.gguf"} {
		if w, err := WantOf(ref, p.env); w != nil || err != nil {
			t.Errorf("%s: %+v, %v", ref, w, err)
		}
	}
	if _, err := WantOf("", p.env); fault.CodeOf(err) != fault.ModelRefInvalid {
		t.Error(err)
	}
}

func TestAFileInAFolderOfARepositoryHasANameOfItsOwn(t *testing.T) {
	p := newPlace(t)
	p.model(".test-models/org--repo/Q4_K_M--m.gguf", ".test-models/org--repo/Q8_0--m.gguf")
	p.finds("hf:Org/Repo/Q8_0/m.gguf", ".test-models/org--repo/Q8_0--m.gguf")
	p.finds("hf:Org/Repo:q4_k_m", ".test-models/org--repo/Q4_K_M--m.gguf")
	p.refuses("hf:Org/Repo/m.gguf", fault.ModelNotFound)
}

func TestEveryBuiltInNameIsAPlaceOnTheHub(t *testing.T) {
	for name, text := range table {
		if r, err := CheckShort(name, text); err != nil || r.File == "" || name != FolderName(Ref{Kind: Name, Name: name}) {
			t.Errorf("%s = %s: %+v, %v", name, text, r, err)
		}
	}
}
