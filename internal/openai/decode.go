package openai

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// checked is a request that can say what is wrong with it.
type checked interface{ check() *Problem }

// DecodeChat reads and checks the body of POST /v1/chat/completions. Errors are INVALID_REQUEST with a Problem.
func DecodeChat(body []byte) (*ChatRequest, error) { return decode(body, new(ChatRequest)) }

// DecodeCompletion is DecodeChat for POST /v1/completions.
func DecodeCompletion(body []byte) (*CompletionRequest, error) {
	return decode(body, new(CompletionRequest))
}

// DecodeEmbedding is DecodeChat for POST /v1/embeddings.
func DecodeEmbedding(body []byte) (*EmbeddingRequest, error) {
	return decode(body, new(EmbeddingRequest))
}

func decode[T checked](body []byte, r T) (T, error) {
	var none T
	if k := bytes.TrimLeft(body, " \t\r\n"); len(k) > 0 && k[0] != '{' {
		return none, (&Problem{Code: codeType, Message: "request body is no JSON object"}).Fault()
	}
	if err := json.Unmarshal(body, r); err != nil {
		return none, problemOf(err, "").Fault()
	}
	if p := r.check(); p != nil {
		return none, p.Fault()
	}
	return r, nil
}

// part decodes the next value into v; a problem in it is named from the body's root.
func part(d *jsontext.Decoder, v any) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return problemOf(err, paramOf(d.StackPointer()))
	}
	return nil
}

// isNull reads a null, if that is what comes next.
func isNull(d *jsontext.Decoder) (bool, error) {
	if d.PeekKind() != 'n' {
		return false, nil
	}
	return true, d.SkipValue()
}
