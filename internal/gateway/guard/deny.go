package guard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"rbee/internal/fault"
)

// deny answers with a fault, in rbee's shape; on OpenAI's routes with the fields that its clients read as well.
func deny(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	denyStatus(w, r, f.Code.HTTPStatus(), f)
}

func denyStatus(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if s, ok := f.Details["retry_after_s"]; ok {
		h.Set("Retry-After", fmt.Sprint(s))
	}
	body := struct {
		*fault.Error
		Type  string  `json:"type,omitempty"`
		Param *string `json:"param,omitempty"`
	}{Error: f}
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		body.Type = kind(f.Code)
	}
	b, _ := json.Marshal(map[string]any{"error": body}) // the details are ours: numbers and texts
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(b, '\n'))
	}
}

// kind is OpenAI's error.type. (A wrong key is an invalid request there too.)
func kind(c fault.Code) string {
	switch c {
	case fault.QuotaExceeded:
		return "rate_limit_exceeded"
	case fault.QueenStopping, fault.Internal:
		return "server_error"
	}
	return "invalid_request_error"
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; there is nobody else to tell
}
