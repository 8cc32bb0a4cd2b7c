// Package fault is how rbee fails in front of a user: a code that programs can branch on, a message that says
// what failed and with which numbers, and a hint that says what to do next.
//
// Inside the program errors are wrapped as usual; a *fault.Error is made where the cause is understood, and
// travels unchanged through messages, HTTP and the terminal.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Code names a kind of failure. Codes are part of the interface and never change their meaning.
type Code string

const (
	NodeUnknown        Code = "NODE_UNKNOWN"
	HiveStartFailed    Code = "HIVE_START_FAILED"
	QueenStartFailed   Code = "QUEEN_START_FAILED"
	QueenLost          Code = "QUEEN_LOST"
	SocketInUse        Code = "SOCKET_IN_USE"
	VersionMismatch    Code = "VERSION_MISMATCH"
	EngineUnavailable  Code = "ENGINE_UNAVAILABLE"
	NodeLost           Code = "NODE_LOST"
	ModelRefInvalid    Code = "MODEL_REF_INVALID"
	ModelNotFound      Code = "MODEL_NOT_FOUND"
	ModelAmbiguous     Code = "MODEL_AMBIGUOUS"
	ModelAccessDenied  Code = "MODEL_ACCESS_DENIED"
	ModelCorrupt       Code = "MODEL_CORRUPT"
	ModelInUse         Code = "MODEL_IN_USE"
	DownloadFailed     Code = "DOWNLOAD_FAILED"
	DownloadStalled    Code = "DOWNLOAD_STALLED"
	DiskFull           Code = "DISK_FULL"
	InsufficientMemory Code = "INSUFFICIENT_MEMORY"
	InsufficientVRAM   Code = "INSUFFICIENT_VRAM"
	BackendUnavailable Code = "BACKEND_UNAVAILABLE"
	DeviceUnavailable  Code = "DEVICE_UNAVAILABLE"
	WorkerStartFailed  Code = "WORKER_START_FAILED"
	LoadTimeout        Code = "LOAD_TIMEOUT"
	WorkerCrashed      Code = "WORKER_CRASHED"
	WorkerStalled      Code = "WORKER_STALLED"
	QueueFull          Code = "QUEUE_FULL"
	QueueTimeout       Code = "QUEUE_TIMEOUT"
	ContextOverflow    Code = "CONTEXT_OVERFLOW"
	InvalidRequest     Code = "INVALID_REQUEST"
	QueenStopping      Code = "QUEEN_STOPPING"
	Unauthorized       Code = "UNAUTHORIZED"
	QuotaExceeded      Code = "QUOTA_EXCEEDED"
	SSHTimeout         Code = "SSH_TIMEOUT"
	SSHUnreachable     Code = "SSH_UNREACHABLE"
	SSHAuthFailed      Code = "SSH_AUTH_FAILED"
	SSHHostKeyUnknown  Code = "SSH_HOST_KEY_UNKNOWN"
	SSHHostKeyChanged  Code = "SSH_HOST_KEY_CHANGED"
	NotFound           Code = "NOT_FOUND" // nothing that runs has that name or id
	Cancelled          Code = "CANCELLED"
	DeadlineExceeded   Code = "DEADLINE_EXCEEDED"
	Internal           Code = "INTERNAL"
)

var status = map[Code]int{
	NodeUnknown: 404, HiveStartFailed: 502, QueenStartFailed: 502, QueenLost: 502, SocketInUse: 502,
	VersionMismatch: 409, EngineUnavailable: 502, NodeLost: 502,
	ModelRefInvalid: 400, ModelNotFound: 404, ModelAmbiguous: 409, ModelAccessDenied: 403, ModelCorrupt: 422, ModelInUse: 409,
	DownloadFailed: 502, DownloadStalled: 504, DiskFull: 507, InsufficientMemory: 507, InsufficientVRAM: 507, BackendUnavailable: 400, DeviceUnavailable: 400,
	WorkerStartFailed: 502, LoadTimeout: 504, WorkerCrashed: 502, WorkerStalled: 504,
	QueueFull: 503, QueueTimeout: 503, ContextOverflow: 400, InvalidRequest: 400,
	QueenStopping: 503, Unauthorized: 401, QuotaExceeded: 429,
	SSHTimeout: 504, SSHUnreachable: 504, SSHAuthFailed: 502, SSHHostKeyUnknown: 502, SSHHostKeyChanged: 502,
	NotFound: 404, Cancelled: 499, DeadlineExceeded: 504, Internal: 500,
}

// HTTPStatus returns the status the API answers with; 500 for a code it does not know.
func (c Code) HTTPStatus() int {
	if s, ok := status[c]; ok {
		return s
	}
	return 500
}

// Error is a failure as its user sees it.
type Error struct {
	Code    Code           `json:"code"`
	Message string         `json:"message"`
	Hint    string         `json:"hint,omitempty"`
	Details map[string]any `json:"details,omitempty"`
	cause   error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause given to Wrap, or nil.
func (e *Error) Unwrap() error { return e.cause }

// New returns an error with that code; the message is formatted as by fmt.Sprintf.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that errors.Is and errors.As can see. The cause's text is not added to the message.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.cause = cause
	return e
}

// WithHint sets what the user can do next and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// With adds one detail (a number, a path, a list) for programs and returns e.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[key] = value
	return e
}

// From returns err as an *Error: itself if one is in its chain, else INTERNAL with err's text.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(Internal, err, "%v", err)
}

// CodeOf returns the code in err's chain, or "" if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// DetailsJSON returns the details as a JSON object, "" if there are none or they cannot be written.
func (e *Error) DetailsJSON() string {
	if len(e.Details) == 0 {
		return ""
	}
	b, err := json.Marshal(e.Details)
	if err != nil {
		return ""
	}
	return string(b)
}

// SetDetailsJSON is the inverse of DetailsJSON; bytes that are no JSON object are ignored.
func (e *Error) SetDetailsJSON(s string) *Error {
	if s != "" {
		var m map[string]any
		if json.Unmarshal([]byte(s), &m) == nil {
			e.Details = m
		}
	}
	return e
}
