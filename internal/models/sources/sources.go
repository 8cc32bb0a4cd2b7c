package sources

import (
	"path/filepath"
	"runtime"

	"rbee/internal/models"
)

// All returns the places of this user on this machine, whether or not they exist. getenv is os.Getenv's like.
func All(getenv func(string) string) []models.Source {
	home, cache := getenv("HOME"), getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(home) {
		home = ""
	}
	if !filepath.IsAbs(cache) {
		cache = below(home, ".cache")
	}
	var all []models.Source
	add := func(dir string, source func(dir string) models.Source) {
		if filepath.IsAbs(dir) {
			all = append(all, source(filepath.Clean(dir)))
		}
	}
	add(first(getenv("HF_HUB_CACHE"), below(getenv("HF_HOME"), "hub"), below(cache, "huggingface/hub")),
		func(dir string) models.Source { return hubCache{dir} })
	llama := below(cache, "llama.cpp")
	if runtime.GOOS == "darwin" {
		llama = below(home, "Library/Caches/llama.cpp")
	}
	add(first(getenv("LLAMA_CACHE"), llama), func(dir string) models.Source { return llamaCache{dir} })
	for _, dir := range []string{".lmstudio/models", ".cache/lm-studio/models"} {
		add(below(home, dir), func(dir string) models.Source { return lmStudio{dir} })
	}
	if dir := getenv("OLLAMA_MODELS"); dir != "" {
		add(dir, func(dir string) models.Source { return ollama{dir} })
		return all
	}
	// The second is where Ollama's own Linux service keeps them.
	for _, dir := range []string{below(home, ".ollama/models"), "/usr/share/ollama/.ollama/models"} {
		add(dir, func(dir string) models.Source { return ollama{dir} })
	}
	return all
}

func first(dirs ...string) string {
	for _, d := range dirs {
		if d != "" {
			return d
		}
	}
	return ""
}

// below returns a path under dir, "" if there is no dir.
func below(dir, path string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, path)
}

// fits reports whether a model of the right repository is what a reference asks for. files are its files' paths in
// the repository.
func fits(r models.Ref, base string, files []string) bool {
	if r.Quant != "" && !models.HasQuant(base, r.Quant) {
		return false
	}
	for _, f := range files {
		if f == r.File {
			return true
		}
	}
	return r.File == ""
}
