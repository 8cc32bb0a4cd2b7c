// Package engine is the seam between rbee and whatever computes tokens.
//
// An Engine is opened once per process. It loads one Model with a number of slots; Generate may be called
// concurrently, up to Slots calls share the model's decode steps, and more wait their turn. A worker process is
// one Engine, one Model, one device: native code may crash or hang, and then the process is what dies.
//
// Implementations: llamacpp (llama.cpp through its shared libraries, no cgo) and enginetest (a cruel fake for
// tests). Both pass the contract suite in enginetest.
package engine

import (
	"context"
	"time"
)

// Engine loads models.
type Engine interface {
	// Name and Release identify the engine: "llama.cpp", "v0.4.0".
	Name() string
	Release() string
	// Devices lists what models can be loaded on, the CPU first ("cpu:0").
	Devices() ([]Device, error)
	// Load reads a model file and makes its context. Errors carry fault codes (ENGINE_UNAVAILABLE,
	// MODEL_CORRUPT, INSUFFICIENT_MEMORY, CONTEXT_OVERFLOW, DEVICE_UNAVAILABLE). ctx ends the load early where
	// the engine can.
	Load(ctx context.Context, o LoadOptions) (Model, error)
}

// Device is one place to run on.
type Device struct {
	ID          string `json:"id"`      // "cpu:0", "cuda:0", "vulkan:1"
	Backend     string `json:"backend"` // "cpu", "cuda", "vulkan", "metal"
	Description string `json:"description"`
	TotalBytes  int64  `json:"total_bytes"`
	FreeBytes   int64  `json:"free_bytes"`
}

// LoadOptions say how to load. Zero values mean the default.
type LoadOptions struct {
	Path    string
	Context int // tokens per slot; 0 = min(trained, 4096)
	Slots   int // concurrent generations; 0 = 1
	Threads int // 0 = max(1, physical cores - 1)
	Device  string
	// GPULayers is how many layers run on the GPU that Device names, counted from the last; nil = all.
	GPULayers *int
	// Progress is called with 0..1 while the weights are read, from a goroutine of the engine's; may be nil.
	Progress func(fraction float64)
}

// Model is a loaded model.
type Model interface {
	Info() Info
	// Generate runs one completion and calls emit, from one goroutine, for every event in order. It returns when
	// the answer is complete, when ctx is done (the Result counts what was made, the error is ctx's), when emit
	// returns an error (that error), or when the engine failed. A cancelled ctx stops prefill and decode within
	// 50 ms and leaves the model usable. Errors carry fault codes: CONTEXT_OVERFLOW, INVALID_REQUEST, INTERNAL.
	Generate(ctx context.Context, r Request, emit func(Event) error) (Result, error)
	// Embed returns a vector of Info().EmbeddingLength for each input, in order. A cancelled ctx stops it within 50 ms.
	// Errors carry fault codes: CONTEXT_OVERFLOW, INVALID_REQUEST (an empty input), INTERNAL.
	Embed(ctx context.Context, inputs []Input) ([]Embedding, error)
	// Close frees the model. Nothing may be called after it.
	Close() error
}

// Info describes a loaded model.
type Info struct {
	Architecture   string
	Name           string
	Context        int // tokens per slot
	ContextTrained int
	Slots          int
	Threads        int
	Vocabulary     int
	HasTemplate    bool   // the model brings a chat template
	ToolFormat     string // how the model's template writes tool calls (package chat)
	// EmbeddingLength is how many numbers an embedding has.
	EmbeddingLength int
	Backend         string
	Device          string
	MemoryBytes     int64 // resident memory the load added, as measured; 0 = unknown
}

// Message is one turn of a chat.
type Message struct {
	Role, Content string
	Name          string // who speaks, for templates that show it
	ToolCallID    string // of a "tool" message: the call it answers
	ToolCallsJSON string // of an "assistant" message: a JSON array in OpenAI's shape, or ""
}

// Request is one completion. With Raw, or when the model has no template, the contents of Messages (or Prompt)
// are used as they are, joined by newlines; otherwise the model's own chat template is applied to Messages.
type Request struct {
	Prompt    string  // used when Messages is empty: the same as one user message
	Tokens    []int32 // instead of Prompt and Messages; used as they are
	Messages  []Message
	Chat      ChatOptions
	Raw       bool
	MaxTokens int // 0 = until end of text or the context is full; tokens of Resume count
	Sampling  Sampling
	Stop      []string // the answer ends before the first of these; none of it is emitted
	IgnoreEOS bool
	Resume    *Resume // go on with an answer that was begun elsewhere; nil = a new one
}

// ChatOptions is what a chat template is given beside the messages.
type ChatOptions struct {
	ToolsJSON         string // a JSON array of tools in OpenAI's shape, or ""
	ToolChoice        string // "", "auto", "none", "required", or the name of the function that must be called
	TemplateArgsJSON  string // a JSON object of further variables for the template, or ""
	ParallelToolCalls bool
}

// Resume is what was made of an answer already. Its tokens are computed again as part of the prompt, count as
// completion tokens, and pass the sampler's and the grammar's state and the stop strings as if they had been sampled
// here; of their text only what comes after the first SentBytes bytes is emitted. At temperature 0 the answer goes on
// as it would have.
type Resume struct {
	Tokens    []int32
	SentBytes int
}

// Input is one text to embed, or its tokens.
type Input struct {
	Text   string
	Tokens []int32 // used when Text is ""
}

// Embedding is a vector, as the model makes it, and how many tokens its input had.
type Embedding struct {
	Values []float32
	Tokens int
}

// Sampling selects the next token: bias, penalties, grammar, top-k, top-p, min-p, temperature, then a draw; greedy when
// Temperature is 0. Zero values of the others switch that filter off.
type Sampling struct {
	Temperature      float64 // 0..2
	TopK             int
	TopP             float64
	MinP             float64
	RepeatPenalty    float64 // 0 or 1 = off
	PresencePenalty  float64 // -2..2
	FrequencyPenalty float64 // -2..2
	RepeatLastN      int     // tokens the penalties look back; 0 = 64, -1 = all
	Seed             uint32
	LogitBias        map[int32]float32 // added to a token's logit; -100 or less forbids it
	TopLogprobs      *int              // report each token's log probability, and of so many alternatives; nil = none
	Grammar          string            // GBNF; the answer is a sentence of its rule "root"; "" = free
}

// Event is one step of a generation: prefill progress, or a piece of text.
type Event struct {
	Prefill *Progress // progress; nil for a piece
	Text    string    // whole UTF-8 characters only; may be "" while a character is incomplete
	Token   int32     // the token's id in the model's vocabulary; NoToken for text held back until the end
	Logprob *Logprob  // if asked for; nil with NoToken
}

// Logprob is the natural logarithm of a token's probability, before any filter but the bias.
type Logprob struct {
	Token   int32
	Bytes   []byte // of the token; may be part of a character
	Logprob float64
	Top     []Logprob // the likeliest tokens, best first; without a Top of their own
}

// NoToken is the Token of a last piece that belongs to tokens already sent: text that was held back because it
// might have been the beginning of a stop string, or of a character.
const NoToken = -1

// Progress counts prompt tokens.
type Progress struct{ Done, Total int }

// Finish reasons.
const (
	FinishStop      = "stop"      // end of text, or a stop string
	FinishLength    = "length"    // MaxTokens, or the context is full
	FinishCancelled = "cancelled" // ctx
)

// Result counts what a generation did.
type Result struct {
	PromptTokens     int
	CachedTokens     int // of the prompt, not computed again
	CompletionTokens int
	FinishReason     string
	Queued           time.Duration // wait for a slot
	Prefill          time.Duration // first prompt token to first answer token
	Decode           time.Duration // first answer token to last
	FirstToken       time.Time     // when the first token was sampled; zero if none was
}
