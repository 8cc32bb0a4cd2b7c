package guard

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/rs/cors"

	"rbee/internal/fault"
)

// origin refuses requests of web pages that are not allowed, and gives those that are what a browser wants to see. It
// returns false when the request has been answered.
func (g *Guard) origin(w http.ResponseWriter, r *http.Request, allowed []string) bool {
	from := r.Header.Get("Origin")
	if from != "" && matches(from, allowed) {
		done := true
		g.cors.of(allowed).ServeHTTP(w, r, func(http.ResponseWriter, *http.Request) { done = false })
		return !done
	}
	if r.Method == http.MethodOptions {
		// Of a page that is not allowed: without the headers that it waits for, its browser goes no further.
		w.Header().Set("Allow", "GET, POST, DELETE, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		denyStatus(w, r, http.StatusForbidden, fault.New(fault.InvalidRequest, "a web page of %q may not use this queen", short(from)).
			WithHint("if it may, add it to allowed_origins in the [queen] table of config.toml").With("origin", short(from)))
		return false
	}
	return true
}

func matches(origin string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool { return a == "*" || strings.EqualFold(a, origin) })
}

// corsCache makes a handler once for each list of origins.
type corsCache struct {
	mu      sync.Mutex
	allowed []string
	handler *cors.Cors
}

func (c *corsCache) of(allowed []string) *cors.Cors {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handler == nil || !slices.Equal(c.allowed, allowed) {
		c.allowed = allowed
		c.handler = cors.New(cors.Options{
			AllowedOrigins: allowed,
			AllowedMethods: []string{http.MethodGet, http.MethodPost, http.MethodDelete},
			AllowedHeaders: []string{"*"},
			ExposedHeaders: []string{"*"},
			MaxAge:         600,
		})
	}
	return c.handler
}
