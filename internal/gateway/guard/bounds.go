package guard

import (
	"net/http"
	"slices"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/messages"
)

// A key is for using models. What manages the queen (its models on disk, its workers, other people's requests) is for
// who can open the socket, or for a program of this machine. What is not listed here is not a key's: a route that is
// added later is closed to keys until somebody decides otherwise.
func keyMay(r *http.Request) bool {
	p := r.URL.Path
	if strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, requests) {
		return true
	}
	if r.Method == http.MethodPost {
		return p == "/rbee/v1/generate" || p == "/rbee/v1/plan"
	}
	return slices.Contains([]string{"/rbee/v1/version", "/rbee/v1/status", "/rbee/v1/workers", "/rbee/v1/nodes", "/metrics"}, p)
}

// notForKeys refuses what keyMay does.
func notForKeys(r *http.Request, name string) *fault.Error {
	return fault.New(fault.Unauthorized, "the key %s is for using models, not for %s %s", name, r.Method, short(r.URL.Path)).
		WithHint("run the command on the queen's own machine, where no key is needed")
}

// bounded holds a request that came with a key to what the queen's user set up: configured nodes, because the queen
// would log in elsewhere with that user's own keys; and models by name, because a path is a look at that user's files.
func bounded(c gateway.Caller, g *messages.Generate, known func(node string) bool) error {
	if c.Tenant == "" {
		return nil
	}
	m := g.GetModel()
	if ref := m.GetRef(); len(c.Models) > 0 && !slices.Contains(c.Models, ref) {
		return fault.New(fault.ModelAccessDenied, "the key %s may not use the model %q", c.Tenant, short(ref)).
			WithHint("it may use %s", short(strings.Join(c.Models, ", "))).With("models", c.Models)
	} else if len(c.Models) == 0 && path(ref) || m.GetModelsDir() != "" {
		return fault.New(fault.ModelAccessDenied, "the key %s may name models, not paths", c.Tenant).
			WithHint("GET /v1/models lists them; a key that was made with --models may name what stands there")
	}
	for node := range strings.SplitSeq(g.GetNode(), ",") {
		if node = strings.TrimSpace(node); node != "" && !known(node) { // none named is the queen's own choice
			return fault.New(fault.NodeUnknown, "the key %s may not use the node %q", c.Tenant, short(node)).
				WithHint("it may use those of the queen's config file")
		}
	}
	return nil
}

func path(ref string) bool {
	return strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, ".") || strings.HasPrefix(ref, "~") || strings.HasPrefix(ref, "file:") || strings.HasSuffix(ref, ".gguf") && !strings.HasPrefix(ref, "hf:")
}
