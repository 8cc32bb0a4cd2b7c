package guard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/openai"
)

// deny answers with a fault: on OpenAI's routes as OpenAI does, elsewhere in rbee's shape.
func deny(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	denyStatus(w, r, f.Code.HTTPStatus(), f)
}

func denyStatus(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	h := w.Header()
	if s, ok := f.Details["retry_after_s"]; ok {
		h.Set("Retry-After", fmt.Sprint(s))
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		openai.WriteErrorStatus(w, status, f)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	b, _ := json.Marshal(map[string]any{"error": f}) // the details are ours: numbers and texts
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; there is nobody else to tell
}
