package models

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// table holds the built-in short names.
var table = map[string]string{
	"tinyllama": "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf",
	"qwen":      "hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf",
	"phi3":      "hf:microsoft/Phi-3-mini-4k-instruct-gguf/Phi-3-mini-4k-instruct-q4.gguf",
	"llama3":    "hf:QuantFactory/Meta-Llama-3-8B-Instruct-GGUF/Meta-Llama-3-8B-Instruct.Q4_K_M.gguf",
	"llama2":    "hf:TheBloke/Llama-2-7B-GGUF/llama-2-7b.Q8_0.gguf",
}

// short returns what a short name stands for: the user's own word first, then the built-in table. What the user
// wrote into the configuration and is no place on the hub (CheckShort) stands for nothing.
func (e Env) short(r Ref) (Ref, bool) {
	if r.Kind != Name {
		return Ref{}, false
	}
	name := strings.ToLower(r.Name)
	for own, text := range e.Names {
		if strings.ToLower(own) == name {
			s, err := CheckShort(own, text)
			return s, err == nil
		}
	}
	s, ok := builtIn()[name]
	return s, ok
}

// builtIn is the table, taken apart once: it is asked at every request.
var builtIn = sync.OnceValue(func() map[string]Ref {
	refs := map[string]Ref{}
	for name, text := range table {
		r, err := ParseRef(text)
		if err != nil {
			panic(err) // a test resolves every name
		}
		refs[name] = r
	}
	return refs
})

// shorts returns all short names, in lower case.
func (e Env) shorts() []string {
	names := slices.Collect(maps.Keys(table))
	for own := range e.Names {
		names = append(names, strings.ToLower(own))
	}
	return names
}

// ShortNames returns all short names that mean something, in lower case and in order, whether their models are here or
// not.
func ShortNames(e Env) []string {
	names := e.shorts()
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckShort says whether a short name of the user's own is one: the name a plain name, the text a place on the
// hub. Errors are MODEL_REF_INVALID.
func CheckShort(name, text string) (Ref, error) {
	if n, err := ParseRef(name); err != nil || n.Kind != Name || n.SHA256 != "" {
		return Ref{}, invalid(name, "a short name is a word without slash, colon or control character")
	}
	s, err := ParseRef(text)
	if err == nil && s.Kind != Hub {
		err = invalid(text, "a short name stands for hf:org/repo, hf:org/repo:QUANT or hf:org/repo/file.gguf")
	}
	return s, err
}

// FolderName is the name of a model's folder in the model directory: where a download puts it and where Resolve
// looks for it. A short name is its own folder; a repository is <org>--<repo> in lower case, which is reversible
// but for the case because the hub allows no "--" in a name. It is "" for a path.
func FolderName(r Ref) string {
	switch r.Kind {
	case Name:
		return strings.ToLower(r.Name)
	case Hub:
		return strings.ToLower(r.Org + "--" + r.Repo)
	}
	return ""
}
