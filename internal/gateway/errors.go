package gateway

import (
	"encoding/json"
	"net/http"

	"rbee/internal/fault"
	"rbee/internal/openai"
)

// writeError answers with err before a stream has begun.
func writeError(w http.ResponseWriter, err error) {
	e := fault.From(err)
	writeErrorStatus(w, statusOf(e), e)
}

func writeErrorStatus(w http.ResponseWriter, status int, e *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", openai.RetryAfter(e))
	}
	body, err := json.Marshal(map[string]any{"error": e})
	if err != nil { // details that JSON cannot hold
		body, _ = json.Marshal(map[string]any{"error": &fault.Error{Code: e.Code, Message: e.Message, Hint: e.Hint}})
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
