package gateway

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rbee/internal/fault"
	"rbee/internal/openai"
)

// ModelInfo is a model that can be asked for without a download.
type ModelInfo struct {
	ID      string // a reference, as a request names it
	Path    string // its file; "" = there is none yet
	Source  string // whose it is: "rbee", or the program that keeps it
	Changed time.Time
}

// models serves GET /v1/models.
func (g *gateway) models(w http.ResponseWriter, r *http.Request) {
	all, err := g.listModels(r.Context())
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	out := make([]openai.Model, len(all))
	for i, m := range all {
		out[i] = m.entry()
	}
	writeBody(w, openai.AppendModels(nil, out))
}

// model serves GET /v1/models/{id}; an id has slashes and colons, escaped or not.
func (g *gateway) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	all, err := g.listModels(r.Context())
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	for _, m := range all {
		if m.ID == id || m.Path == id && id != "" {
			writeBody(w, openai.AppendModel(nil, m.entry()))
			return
		}
	}
	writeOpenAIError(w, fault.New(fault.ModelNotFound, "there is no model %q here", id).
		WithHint("GET /v1/models lists those that are; rbee model pull brings one"))
}

func (m ModelInfo) entry() openai.Model {
	e := openai.Model{ID: m.ID, OwnedBy: m.Source}
	if !m.Changed.IsZero() {
		e.Created = m.Changed.Unix()
	}
	return e
}

// listModels is what the machine has, then what workers have loaded by another name or elsewhere; only those that the
// caller may use.
func (g *gateway) listModels(ctx context.Context) ([]ModelInfo, error) {
	var all []ModelInfo
	if g.options.Models != nil {
		var err error
		if all, err = g.options.Models(ctx); err != nil {
			return nil, err
		}
	}
	known := map[string]bool{}
	for _, m := range all {
		known[m.ID] = true
	}
	for _, w := range g.backend.Workers() {
		if ref := w.GetModelRef(); ref != "" && !known[ref] {
			known[ref] = true
			all = append(all, ModelInfo{ID: ref, Path: w.GetModelPath(), Source: "rbee", Changed: time.Unix(0, w.GetStartedUnixNano())})
		}
	}
	if only := CallerOf(ctx).Models; len(only) > 0 {
		all = slices.DeleteFunc(all, func(m ModelInfo) bool { return !slices.Contains(only, m.ID) })
	}
	return all, nil
}
