package api

import "rbee/internal/fault"

// Kind is the name of an event on the stream.
type Kind string

const (
	KindNarration Kind = "narration"
	KindAccepted  Kind = "accepted"
	KindPrefill   Kind = "prefill"
	KindToken     Kind = "token"
	KindDone      Kind = "done"
	KindError     Kind = "error"
	KindSpans     Kind = "spans"
)

// Event is one step of an answer; the field that belongs to its Kind is set.
type Event struct {
	Kind      Kind
	Text      string // of a token: whole UTF-8 characters, never empty
	Narration *Narration
	Accepted  *Accepted
	Prefill   *Prefill
	Done      *Done
	Error     *Failure
	Spans     []byte // OTLP ExportTraceServiceRequest
}

// Terminal reports whether the answer is over with this event.
func (e Event) Terminal() bool { return e.Kind == KindDone || e.Kind == KindError }

// Narration is a line for the person who waits. Its text comes from other machines: make it harmless before it
// reaches a terminal.
type Narration struct {
	Source   string  `json:"source"` // bee-keeper, queen-rbee, rbee-hive, worker
	Text     string  `json:"text"`
	Kind     string  `json:"kind,omitempty"`     // start, model, wait, load, ready, stop, exit, warn
	Progress float64 `json:"progress,omitempty"` // 0..1 with kind load
}

// Accepted says who answers.
type Accepted struct {
	Worker       string `json:"worker"` // address
	Model        string `json:"model"`  // the file
	Backend      string `json:"backend"`
	LoadedBefore bool   `json:"loaded_before"`
}

// Prefill counts prompt tokens.
type Prefill struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

// Done ends an answer. The text is what the tokens made: it is not sent again.
type Done struct {
	Usage        Usage   `json:"usage"`
	Timings      Timings `json:"timings"`
	FinishReason string  `json:"finish_reason"` // stop, length, cancelled, planned, told
	Seed         uint32  `json:"seed"`
	Continued    int64   `json:"continued,omitempty"` // how often it lost its worker and went on with another
	Plan         *Plan   `json:"plan,omitempty"`      // of a request that only asked for it

	Disk *DiskReport `json:"disk,omitempty"` // of a request about a node's disk
}

// Usage counts tokens.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	CachedTokens     int64 `json:"cached_tokens"`
}

// Timings are in milliseconds.
type Timings struct {
	LoadMS          float64 `json:"load_ms"` // the load of the model, 0 if it was loaded before
	QueueMS         float64 `json:"queue_ms"`
	PrefillMS       float64 `json:"prefill_ms"`
	DecodeMS        float64 `json:"decode_ms"`
	TTFTMS          float64 `json:"ttft_ms"` // arrival in the worker to its first token
	TokensPerSecond float64 `json:"tokens_per_second"`
}

// Failure ends a request that failed; what was generated before it counts in Usage.
type Failure struct {
	Error *fault.Error `json:"error"`
	Usage Usage        `json:"usage"`
}
