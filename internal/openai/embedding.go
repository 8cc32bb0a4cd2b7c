package openai

import (
	"strconv"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/messages"
)

// EmbeddingRequest is the body of POST /v1/embeddings.
type EmbeddingRequest struct {
	Model          string    `json:"model"`
	Input          Prompts   `json:"input"`
	EncodingFormat *string   `json:"encoding_format"`
	Dimensions     *int64    `json:"dimensions"`
	User           *string   `json:"user"`
	Node           *string   `json:"node"`
	KeepAlive      KeepAlive `json:"keep_alive"`
	DeadlineMS     *int64    `json:"deadline_ms"`
	NoPull         *bool     `json:"no_pull"`
}

func (r *EmbeddingRequest) check() *Problem {
	c := r.common()
	if r.Model == "" {
		return missing("model")
	}
	if p := first(
		line("model", r.Model, api.MaxNameBytes),
		r.Input.check("input", maxInputs),
		whole("dimensions", r.Dimensions, 1, 1<<20),
		c.checkUser(), c.checkNode(), c.checkKeepAlive(),
		whole("deadline_ms", r.DeadlineMS, 1, api.MaxDeadlineMS),
	); p != nil {
		return p
	}
	switch f := or(r.EncodingFormat, "float"); f {
	case "float", "base64":
		return nil
	default:
		return wrong("encoding_format", codeValue, quoted(f), "float or base64")
	}
}

// common is what it shares with the other requests.
func (r *EmbeddingRequest) common() *Common {
	return &Common{Model: r.Model, User: r.User, Node: r.Node, KeepAlive: r.KeepAlive, DeadlineMS: r.DeadlineMS, NoPull: r.NoPull}
}

// Base64 says whether vectors are written as bytes in base64 instead of as numbers.
func (r *EmbeddingRequest) Base64() bool { return or(r.EncodingFormat, "float") == "base64" }

// Fits refuses vectors that are not as long as was asked for: only models that were trained for it can be cut, and
// nothing in a model file says so.
func (r *EmbeddingRequest) Fits(all []*messages.Embedding) *fault.Error {
	for _, e := range all {
		if n := int64(len(e.GetValues())); r.Dimensions != nil && *r.Dimensions != n {
			p := wrong("dimensions", codeValue, strconv.FormatInt(*r.Dimensions, 10), strconv.FormatInt(n, 10)+", the length that "+r.Model+" has")
			return p.Fault()
		}
	}
	return nil
}
