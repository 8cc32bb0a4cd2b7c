package gateway

import (
	"net/http"
	"slices"
	"sync"

	"rbee/internal/api"
	"rbee/internal/openai"
)

const (
	asJSON   = "application/json"
	asEvents = "text/event-stream"
	asEither = asJSON + "," + asEvents
)

// Others are the routes that a daemon serves outside of this package's mux (package guard); the document has them, too.
var Others = []struct{ Pattern, Summary, Answer string }{
	{"GET /readyz", "Says whether the queen takes requests: 503 while she stops. It needs no key.", asJSON},
	{"GET /metrics", "Numbers for Prometheus.", "text/plain"},
	{"GET /rbee/v1/status", "Says how the queen is: her state, addresses, log, requests.", asJSON},
	{"GET /rbee/v1/receipt", "Answers when the queen has stopped, with what became of her processes. Only on the socket.", asJSON},
}

// documented are all routes that the document has.
func documented(all []route) []route {
	all = slices.Clip(all) // the mux has it, too
	for _, o := range Others {
		all = append(all, route{o.Pattern, nil, o.Summary, nil, o.Answer})
	}
	return append(all, openAPI(nil))
}

// routes is the whole interface of this package: the mux and the document are made of it.
func (g *gateway) routes() []route {
	all := []route{
		{"POST /v1/chat/completions", g.chat, "Answers a chat, whole or as a stream.", openai.ChatRequest{}, asEither},
		{"POST /v1/completions", g.completion, "Goes on with texts, whole or as a stream.", openai.CompletionRequest{}, asEither},
		{"POST /v1/embeddings", g.embedding, "Embeds texts as vectors of length 1.", openai.EmbeddingRequest{}, asJSON},
		{"GET /v1/models", g.models, "Lists the models that can be asked without a download.", nil, asJSON},
		{"GET /v1/models/{id...}", g.model, "Shows one of them.", nil, asJSON},
		{"POST /rbee/v1/generate", g.generate, "Generates one answer; narration and tokens come as events.", api.GenerateRequest{}, asEvents},
		{"POST /rbee/v1/plan", g.plan, "Says what would become of such a request, and does nothing.", api.GenerateRequest{}, asEvents},
		{"POST /rbee/v1/models", g.disk, "Does something about the models on nodes' disks.", api.DiskRequest{}, asEvents},
		{"GET /rbee/v1/resolve", g.resolve, "Says which nodes a name stands for.", nil, asJSON},
		{"GET /rbee/v1/requests", g.requests, "Lists the requests that run, or watches them.", nil, asEither},
		{"GET /rbee/v1/requests/{id}", g.request, "Shows one of them.", nil, asEither},
		{"DELETE /rbee/v1/requests/{id}", g.cancel, "Cancels one of them.", nil, ""},
		{"POST /rbee/v1/stop", g.stop, "Stops a node, a worker, or the workers of a model.", api.StopRequest{}, asJSON},
		{"GET /rbee/v1/workers", g.workers, "Lists the workers.", nil, asJSON},
		{"GET /rbee/v1/nodes", g.nodes, "Lists the nodes that are in use.", nil, asJSON},
		{"GET /rbee/v1/version", g.version, "Says which queen this is.", nil, asJSON},
		{"GET /healthz", g.healthz, "Says that the queen answers.", nil, asJSON},
	}
	text := sync.OnceValue(func() []byte { return document(g.backend.Info().Version, documented(all)) })
	return append(all, openAPI(func(w http.ResponseWriter, _ *http.Request) { writeBody(w, text()) }))
}

func openAPI(serve http.HandlerFunc) route {
	return route{"GET /openapi.json", serve, "This document.", nil, asJSON}
}
