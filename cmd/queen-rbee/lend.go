package main

import (
	"context"

	"rbee/internal/gateway"
	"rbee/internal/lend"
	"rbee/internal/models"
	"rbee/internal/models/sources"
	"rbee/internal/transport"
	"rbee/messages"
)

// newDesk is what this machine lends its hives elsewhere. Its models are those that a request for localhost from the
// same caller would find; --models-dir is the node's, not this machine's.
func newDesk(getenv func(string) string) *lend.Desk {
	return &lend.Desk{Getenv: getenv, Resolve: func(ctx context.Context, m *messages.ModelRef) (*models.Model, error) {
		e := models.Env{CWD: m.GetCwd(), ModelsDir: m.GetEnvModelsDir(), Local: true, Getenv: getenv, Sources: sources.All(getenv)}
		if words := lend.Words(m); m.GetAlias() != "" && words != m.GetAlias() {
			e.Names = map[string]string{m.GetRef(): m.GetAlias()}
		}
		return models.Resolve(ctx, lend.Words(m), e)
	}}
}

// lendOut serves the hives, over their links, until the process ends.
func lendOut(d *lend.Desk, ep *transport.Endpoint) error {
	s := gateway.NewServer(d)
	s.ConnContext = lend.ConnContext
	return s.Serve(ep.Listen(transport.ServiceLoans))
}
