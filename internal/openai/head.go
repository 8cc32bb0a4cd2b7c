package openai

import (
	"math"
	"strconv"

	"rbee/internal/api"
	"rbee/messages"
)

// Head is what every part of one response begins with.
type Head struct {
	ID          string
	Created     int64 // seconds since 1970
	Model       string
	Fingerprint string
	Usage       bool // the stream ends with usage, so its other chunks say that they have none
}

// begin appends the object's first fields, up to "choices":[ .
func (h *Head) begin(b []byte, object string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, h.ID...)
	b = append(b, `","object":"`...)
	b = append(b, object...)
	b = append(b, `","created":`...)
	b = strconv.AppendInt(b, h.Created, 10)
	b = append(b, `,"model":`...)
	b = api.AppendString(b, h.Model)
	b = append(b, `,"system_fingerprint":`...)
	b = api.AppendString(b, h.Fingerprint)
	return append(b, `,"choices":[`...)
}

// chunks writes the events of one stream.
type chunks struct {
	before []byte // what each begins with
	after  []byte // and ends with, behind the choice
}

func newChunks(h *Head, object string) chunks {
	c := chunks{before: h.begin([]byte("data: "), object), after: []byte("]}\n\n")}
	if h.Usage {
		c.after = []byte("],\"usage\":null}\n\n")
	}
	return c
}

// open appends an event up to the choice's fields behind its index.
func (c *chunks) open(b []byte, index int) []byte {
	b = append(b, c.before...)
	b = append(b, `{"index":`...)
	return strconv.AppendInt(b, int64(index), 10)
}

// close ends the choice and the event.
func (c *chunks) close(b []byte) []byte { return append(append(b, '}'), c.after...) }

// AppendUsage appends the chunk of usage.
func (c *chunks) AppendUsage(b []byte, u *messages.Usage) []byte {
	b = append(b, c.before...)
	b = append(b, `],"usage":`...)
	return append(appendUsage(b, u), "}\n\n"...)
}

// Done is the last event of a stream.
const Done = "data: [DONE]\n\n"

func appendUsage(b []byte, u *messages.Usage) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, u.GetPromptTokens(), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, u.GetCompletionTokens(), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, u.GetPromptTokens()+u.GetCompletionTokens(), 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, u.GetCachedTokens(), 10)
	return append(b, "}}"...)
}

// finish appends a finish_reason, null while there is none.
func finish(b []byte, reason string) []byte {
	if reason == "" {
		return append(b, `,"finish_reason":null`...)
	}
	b = append(b, `,"finish_reason":"`...)
	return append(append(b, reason...), '"')
}

// Moved says that an answer lost its worker and another one went on with it. It is a field of ours in the choice, since each
// of n answers has its own worker; an answer that nothing happened to has none.
type Moved struct {
	Continued int64  // how often
	Worker    string // the address of the one that ended it
	Node      string // where that is
}

func (m Moved) append(b []byte) []byte {
	if m.Continued == 0 {
		return b
	}
	b = append(b, `,"rbee":{"continued":`...)
	b = strconv.AppendInt(b, m.Continued, 10)
	b = append(b, `,"worker":`...)
	b = api.AppendString(b, m.Worker)
	b = append(b, `,"node":`...)
	return append(api.AppendString(b, m.Node), '}')
}

// appendLogprob appends a number that JSON can hold; a probability of nothing is OpenAI's -9999.
func appendLogprob(b []byte, v float64) []byte {
	if math.IsNaN(v) || v < -9999 {
		return append(b, "-9999.0"...)
	}
	return strconv.AppendFloat(b, v, 'g', 9, 64)
}
