package api

import "time"

// Requests are those that are not over, oldest first.
type Requests struct {
	Requests []Request `json:"requests"`
}

// Request says how one request is.
type Request struct {
	ID              string    `json:"id"`
	Model           string    `json:"model"` // as it was asked for
	Node            string    `json:"node"`
	Tenant          string    `json:"tenant,omitempty"`   // the key it came with
	Worker          string    `json:"worker,omitempty"`   // address, once one took it
	State           string    `json:"state"`              // waiting, queued, prefill, decoding
	Position        int64     `json:"position,omitempty"` // in its queue; 1 = next
	EtaMS           int64     `json:"eta_ms,omitempty"`   // about when a worker takes it
	PromptTokens    int64     `json:"prompt_tokens"`
	Tokens          int64     `json:"tokens"`
	TokensPerSecond float64   `json:"tokens_per_second"`
	Attempt         int64     `json:"attempt"`
	Arrived         time.Time `json:"arrived"`
}

// KindRequests is the event of a watch: all requests, each time something changed.
const KindRequests Kind = "requests"

// StopRequest names what is to end: a node, a worker or a model; "node:", "worker:" or "model:" before it says which.
type StopRequest struct {
	Target  string `json:"target"`
	GraceMS *int64 `json:"grace_ms,omitempty"` // what each worker gets to end by itself; default 5000
}

// Stopped is what ended.
type Stopped struct {
	Nodes   []string `json:"nodes"`
	Workers []string `json:"workers"` // addresses
}

// Validate returns the first field that is wrong, as a *FieldError, or nil.
func (r *StopRequest) Validate() error {
	for _, e := range []*FieldError{name("target", r.Target, MaxNameBytes, true), within("grace_ms", r.GraceMS, 0, MaxGraceMS)} {
		if e != nil {
			return e
		}
	}
	return nil
}
