package sources

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"

	"rbee/internal/models"
)

// ollama is Ollama's folder: manifests/<host>/<namespace>/<model>/<tag> is JSON that names, among others, the blob
// with the weights; blobs/sha256-<hex> is that blob, a GGUF file.
type ollama struct{ dir string }

// Releases differ in where the manifests are and in what they call their own host.
var (
	manifests = []string{"manifest-v2", "manifests"}
	ownHosts  = []string{models.OllamaHost, "ollama.com"}
)

func (c ollama) Find(r models.Ref) []models.Local {
	switch r.Kind {
	case models.Ollama:
		if m, ok := c.find(r.Ollama()); ok {
			return []models.Local{m}
		}
	case models.Hub: // Ollama also gets models of the hub, under its short host name
		if r.File != "" {
			return nil // its manifest does not say which file it was
		}
		n := models.OllamaName{Host: "hf.co", Namespace: r.Org, Model: r.Repo, Tag: r.Quant}
		if n.Tag == "" {
			n.Tag = "latest"
		}
		if m, ok := c.find(n); ok {
			return []models.Local{m}
		}
	}
	return nil
}

func (c ollama) find(want models.OllamaName) (models.Local, bool) {
	for _, m := range c.all() {
		if strings.EqualFold(m.name.String(), want.String()) {
			return m.Local, true
		}
	}
	return models.Local{}, false
}

func (c ollama) List() []models.Local {
	var found []models.Local
	for _, m := range c.all() {
		found = append(found, m.Local)
	}
	return found
}

type tagged struct {
	models.Local
	name models.OllamaName
}

func (c ollama) all() []tagged {
	var found []tagged
	seen := map[string]bool{}
	for _, m := range manifests {
		root := filepath.Join(c.dir, m)
		for _, path := range walk(root, 4) {
			rel, _ := filepath.Rel(root, path)
			p := strings.Split(filepath.ToSlash(rel), "/")
			if len(p) != 4 {
				continue
			}
			n := models.OllamaName{Host: p[0], Namespace: p[1], Model: p[2], Tag: p[3]}
			if n.Host == ownHosts[1] {
				n.Host = ownHosts[0]
			}
			ref := "ollama:" + n.String()
			if _, err := models.ParseRef(ref); err != nil || seen[ref] {
				continue
			}
			digest := weights(read(path, maxManifest))
			if digest == "" {
				continue
			}
			seen[ref] = true
			found = append(found, tagged{models.Local{
				Ref: ref, Base: n.String(), Source: "Ollama (" + c.dir + ")", Root: c.dir, Count: 1,
				Paths: []string{filepath.Join(c.dir, "blobs", "sha256-"+digest)},
			}, n})
		}
	}
	return found
}

const maxManifest = 1 << 20 // bytes; one has about 1,000

var blobDigest = regexp.MustCompile(`^sha256[:-]([0-9a-f]{64})$`)

// weights returns the digest of the blob with the weights, "" if a manifest names none, or several.
func weights(manifest []byte) string {
	var m struct {
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
		} `json:"layers"`
	}
	if json.Unmarshal(manifest, &m) != nil {
		return ""
	}
	digest := ""
	for _, l := range m.Layers {
		if l.MediaType != "application/vnd.ollama.image.model" {
			continue
		}
		hex := blobDigest.FindStringSubmatch(l.Digest)
		if hex == nil || digest != "" {
			return ""
		}
		digest = hex[1]
	}
	return digest
}
