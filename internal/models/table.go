package models

import "strings"

// short is what a short name stands for on the hub.
type short struct{ org, repo, file string }

// table holds the built-in short names.
var table = map[string]short{
	"tinyllama": {"TheBloke", "TinyLlama-1.1B-Chat-v1.0-GGUF", "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"},
	"qwen":      {"Qwen", "Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q4_k_m.gguf"},
	"phi3":      {"microsoft", "Phi-3-mini-4k-instruct-gguf", "Phi-3-mini-4k-instruct-q4.gguf"},
	"llama3":    {"QuantFactory", "Meta-Llama-3-8B-Instruct-GGUF", "Meta-Llama-3-8B-Instruct.Q4_K_M.gguf"},
	"llama2":    {"TheBloke", "Llama-2-7B-GGUF", "llama-2-7b.Q8_0.gguf"},
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
