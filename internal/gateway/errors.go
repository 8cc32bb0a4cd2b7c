package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"

	"rbee/internal/fault"
)

// writeError answers with err before a stream has begun.
func writeError(w http.ResponseWriter, err error) {
	e := fault.From(err)
	writeErrorStatus(w, e.Code.HTTPStatus(), e)
}

func writeErrorStatus(w http.ResponseWriter, status int, e *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter(e))
	}
	body, err := json.Marshal(map[string]any{"error": e})
	if err != nil { // details that JSON cannot hold
		body, _ = json.Marshal(map[string]any{"error": &fault.Error{Code: e.Code, Message: e.Message, Hint: e.Hint}})
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// retryAfter is in whole seconds: what the fault says in its retry_after_s, or 1.
func retryAfter(e *fault.Error) string {
	switch s := e.Details["retry_after_s"].(type) {
	case int:
		return fmt.Sprint(max(s, 1))
	case int64:
		return fmt.Sprint(max(s, 1))
	case float64: // came through JSON
		return fmt.Sprint(max(int64(s), 1))
	}
	return "1"
}
