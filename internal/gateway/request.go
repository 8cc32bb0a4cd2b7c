package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// readRequest reads and checks a request. Its errors are INVALID_REQUEST.
func (g *gateway) readRequest(w http.ResponseWriter, r *http.Request) (*api.GenerateRequest, error) {
	body, err := g.readBody(w, r)
	if err != nil {
		return nil, err
	}
	req, err := parseRequest(body)
	if err != nil {
		return nil, err
	}
	if req.Traceparent == "" {
		req.Traceparent = traceparentOf(r)
	}
	return req, nil
}

// traceparentOf is the trace context that the client's own library sent along, "" if there is none of use.
func traceparentOf(r *http.Request) string {
	if t := r.Header.Get("Traceparent"); api.ValidTraceparent(t) {
		return t
	}
	return ""
}

// errTooLarge is the cause of a body over the limit.
var errTooLarge = errors.New("request body is too large")

// readBody reads the JSON of a request. Its errors are INVALID_REQUEST.
func (g *gateway) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// A web page may post text/plain anywhere without asking; application/json it may not.
	if h := r.Header.Get("Content-Type"); h != "application/json" {
		if t, _, _ := mime.ParseMediaType(h); t != "application/json" {
			return nil, fault.New(fault.InvalidRequest, "content type is %q, allowed is application/json", h).
				WithHint("send the header Content-Type: application/json; curl needs -H for that")
		}
	}
	// Who waits for the word to go on need send none of it, and net/http is not to wait for it either. Who does not is in
	// the middle of sending, and would lose the answer with the connection.
	if r.ContentLength > api.MaxBodyBytes && r.Header.Get("Expect") != "" {
		w.Header().Set("Connection", "close")
		return nil, tooLarge(api.MaxBodyBytes)
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, api.MaxBodyBytes), r.ContentLength)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge(large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fault.Wrap(fault.InvalidRequest, err, "request body did not arrive within %v", g.options.ReadBody)
	case err != nil:
		return nil, fault.Wrap(fault.InvalidRequest, err, "request body did not arrive whole")
	}
	// From here on a read only waits for the client to leave, which may take as long as the answer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil
}

func tooLarge(limit int64) error {
	return fault.Wrap(fault.InvalidRequest, errTooLarge, "request body is too large, allowed is up to %d bytes", limit)
}

// readAll reads a body; one whose length is known and small is read into a buffer of that size.
func readAll(r io.Reader, length int64) ([]byte, error) {
	const small = 64 << 10
	if length <= 0 || length > small {
		return io.ReadAll(r)
	}
	b := make([]byte, length)
	n, err := io.ReadFull(r, b)
	return b[:n], err
}

// statusOf is the status of an error, which is that of its code, but for a body over the limit.
func statusOf(f *fault.Error) int {
	if errors.Is(f, errTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return f.Code.HTTPStatus()
}

// parseRequest is strict: JSON in UTF-8, one object, only fields that exist, each of its type and in its range.
func parseRequest(body []byte) (*api.GenerateRequest, error) {
	req := new(api.GenerateRequest)
	return req, parse(body, req)
}

// parse is parseRequest for any request.
func parse(body []byte, req interface{ Validate() error }) error {
	if !utf8.Valid(body) { // encoding/json would replace what is broken and say nothing
		return fault.New(fault.InvalidRequest, "request body is not UTF-8: first broken byte at offset %d", brokenAt(body))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(req); err != nil {
		return jsonFault(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.InvalidRequest, "request body goes on after the JSON object, at offset %d", d.InputOffset())
	}
	if err := req.Validate(); err != nil {
		var field *api.FieldError
		if errors.As(err, &field) {
			return field.Fault()
		}
		return fault.Wrap(fault.InvalidRequest, err, "%v", err)
	}
	return nil
}

func brokenAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// jsonFault says in the caller's terms what encoding/json says in Go's.
func jsonFault(err error) *fault.Error {
	var field *api.FieldError
	if errors.As(err, &field) {
		return field.Fault()
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return (&api.FieldError{Field: kind.Field, Value: "a JSON " + kind.Value, Allowed: jsonName(kind.Type.String())}).Fault()
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fault.Wrap(fault.InvalidRequest, err, "there is no field %s", field).With("field", strings.Trim(field, `"`))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.InvalidRequest, err, "request body is empty or ends too early, allowed is a JSON object")
	}
	return fault.Wrap(fault.InvalidRequest, err, "request body is not the JSON that is expected: %s",
		strings.TrimPrefix(err.Error(), "json: "))
}

func jsonName(goType string) string {
	switch goType {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "int64":
		return "a whole number"
	case "float64":
		return "a number"
	}
	return fmt.Sprintf("what belongs there (%s)", goType)
}
