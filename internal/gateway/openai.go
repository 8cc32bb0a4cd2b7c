package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"rbee/internal/fault"
	"rbee/internal/openai"
)

// asked is a request that has arrived.
type asked struct {
	head  *openai.Head
	body  []byte
	began time.Time
}

// arrive names a request and reads its body.
func (g *gateway) arrive(w http.ResponseWriter, r *http.Request, prefix string) (asked, error) {
	now := time.Now()
	id := ulid.Make().String()
	w.Header()["X-Request-Id"] = []string{requestID(r, id)}
	body, err := g.readBody(w, r)
	return asked{&openai.Head{ID: prefix + id, Created: now.Unix(), Fingerprint: g.fingerprint}, body, now}, err
}

// requestID is the client's own name for a request if it gave one that can be repeated.
func requestID(r *http.Request, id string) string {
	own := r.Header.Get("X-Request-Id")
	odd := func(c rune) bool { return c <= ' ' || c > '~' }
	if own == "" || len(own) > 128 || strings.ContainsFunc(own, odd) {
		return "req_" + id
	}
	return own
}

func writeOpenAIError(w http.ResponseWriter, err error) {
	f := fault.From(err)
	openai.WriteErrorStatus(w, statusOf(f), f)
}
