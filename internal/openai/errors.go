package openai

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"rbee/internal/fault"
)

// Error is a failure in OpenAI's shape, with rbee's own fields beside it.
type Error struct {
	Message  string         `json:"message"`
	Type     string         `json:"type"`
	Param    *string        `json:"param"`
	Code     *string        `json:"code"` // what OpenAI's clients know, else rbee's code in lower case
	RbeeCode fault.Code     `json:"rbee_code,omitempty"`
	Hint     string         `json:"hint,omitempty"`
	Details  map[string]any `json:"details,omitempty"`
}

// codes are those that OpenAI has a word for.
var codes = map[fault.Code]string{
	fault.ModelNotFound:   "model_not_found",
	fault.ContextOverflow: "context_length_exceeded",
	fault.Unauthorized:    "invalid_api_key",
	fault.QuotaExceeded:   "rate_limit_exceeded",
	fault.InvalidRequest:  "",
}

// params are the fields that codes speak of.
var params = map[fault.Code]string{
	fault.ModelNotFound: "model", fault.ModelAmbiguous: "model", fault.ModelRefInvalid: "model", fault.ModelAccessDenied: "model", fault.ModelCorrupt: "model",
	fault.ContextOverflow: "messages", fault.NodeUnknown: "node",
}

// FromFault is f as OpenAI's clients read it.
func FromFault(f *fault.Error) *Error {
	e := &Error{Message: f.Message, Type: kindOf(f.Code.HTTPStatus()), RbeeCode: f.Code, Hint: f.Hint, Details: f.Details}
	code, known := codes[f.Code]
	if !known {
		code = strings.ToLower(string(f.Code))
	}
	param := params[f.Code]
	var p *Problem
	if errors.As(f, &p) {
		code, param = p.Code, p.Param
	} else if field, ok := f.Details["field"].(string); ok {
		param = field
	}
	if code != "" {
		e.Code = &code
	}
	if param != "" {
		e.Param = &param
	}
	return e
}

func kindOf(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status < 500:
		return "invalid_request_error"
	}
	return "server_error"
}

// passes are the failures after which the very same request may well succeed. OpenAI's clients try twice more after any
// status of 409, 429 or from 500 on; of a model that does not fit they would ask three times for the same no.
var passes = map[fault.Code]bool{
	fault.QueueFull: true, fault.QueueTimeout: true, fault.WorkerCrashed: true, fault.WorkerStalled: true, fault.NodeLost: true, fault.QuotaExceeded: true,
	fault.QueenStopping: true,
}

// WriteError answers with err in OpenAI's shape.
func WriteError(w http.ResponseWriter, err error) {
	f := fault.From(err)
	WriteErrorStatus(w, f.Code.HTTPStatus(), f)
}

// WriteErrorStatus is WriteError with another status than that of the code.
func WriteErrorStatus(w http.ResponseWriter, status int, f *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		h.Set("Retry-After", RetryAfter(f))
	}
	if !passes[f.Code] {
		h.Set("X-Should-Retry", "false") // what OpenAI's own clients ask
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(appendError(nil, f), '\n')) // a client that is gone needs no answer
}

// appendError appends {"error":{...}}.
func appendError(b []byte, f *fault.Error) []byte {
	e := FromFault(f)
	data, err := json.Marshal(map[string]any{"error": e})
	if err != nil { // details that JSON cannot hold
		e.Details = nil
		data, _ = json.Marshal(map[string]any{"error": e})
	}
	return append(b, data...)
}

// AppendError appends an event that ends a stream which had begun. No [DONE] follows it.
func AppendError(b []byte, f *fault.Error) []byte {
	return append(appendError(append(b, "data: "...), f), "\n\n"...)
}

// RetryAfter is in whole seconds: what the fault says in its retry_after_s, or 1.
func RetryAfter(f *fault.Error) string {
	s := int64(1)
	switch v := f.Details["retry_after_s"].(type) {
	case int:
		s = int64(v)
	case int64:
		s = v
	case float64: // came through JSON
		s = int64(v)
	}
	return strconv.FormatInt(max(s, 1), 10)
}
