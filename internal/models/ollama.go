package models

import (
	"regexp"
	"strings"
)

// OllamaName is a name of Ollama's with what it leaves out filled in: ollama:llama3.2 is
// registry.ollama.ai/library/llama3.2:latest.
type OllamaName struct{ Host, Namespace, Model, Tag string }

// ollamaPart is the rule for each part; none can lead out of a folder.
var ollamaPart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$`)

// OllamaHost is the host that Ollama's own names leave out.
const OllamaHost = "registry.ollama.ai"

func (r Ref) ollama(s string) (Ref, error) {
	r.Kind, r.Name = Ollama, s
	n := r.Ollama()
	for _, part := range []string{n.Host, n.Namespace, n.Model, n.Tag} {
		if !ollamaPart.MatchString(part) {
			return r, invalid(r.Text, "after ollama: must come a model as Ollama names it, such as llama3.2 or llama3.2:1b")
		}
	}
	return r, nil
}

// Ollama takes the name of a reference of the kind Ollama apart.
func (r Ref) Ollama() OllamaName {
	name, tag, ok := strings.Cut(r.Name, ":")
	if !ok {
		tag = "latest"
	}
	n := OllamaName{OllamaHost, "library", name, tag}
	switch parts := strings.Split(name, "/"); len(parts) {
	case 2:
		n.Namespace, n.Model = parts[0], parts[1]
	case 3:
		n.Host, n.Namespace, n.Model = parts[0], parts[1], parts[2]
	}
	return n
}

// String is the name as Ollama shows it.
func (n OllamaName) String() string {
	s := n.Model + ":" + n.Tag
	if n.Host != OllamaHost || n.Namespace != "library" {
		s = n.Namespace + "/" + s
	}
	if n.Host != OllamaHost {
		s = n.Host + "/" + s
	}
	return s
}
