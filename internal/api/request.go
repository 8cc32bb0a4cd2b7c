package api

// GenerateRequest asks for one completion. A nil pointer means the default, which the queen fills in: sampling as
// DefaultSampling, a random seed, no deadline, no limit of tokens but the context.
type GenerateRequest struct {
	ID        string `json:"id,omitempty"` // made by the client, so that it can cancel before the first event
	Model     string `json:"model"`
	Node      string `json:"node,omitempty"`       // "" = localhost
	Cwd       string `json:"cwd,omitempty"`        // what a relative model path is relative to
	ModelsDir string `json:"models_dir,omitempty"` // "" = the node's own rule
	// EnvModelsDir is the caller's RBEE_MODELS_DIR. It counts on the caller's own machine only.
	EnvModelsDir string    `json:"env_models_dir,omitempty"`
	NoPull       bool      `json:"no_pull,omitempty"` // a model that is not there is an error, not a download
	Push         bool      `json:"push,omitempty"`    // such a model comes from the queen's machine instead
	Prompt       string    `json:"prompt,omitempty"`  // this or Messages
	System       string    `json:"system,omitempty"`  // goes before Prompt; not with Raw or Messages
	Messages     []Message `json:"messages,omitempty"`
	Raw          bool      `json:"raw,omitempty"` // Prompt as it is, without the model's chat template

	MaxTokens     *int64   `json:"max_tokens,omitempty"`
	Temperature   *float64 `json:"temperature,omitempty"`
	TopK          *int64   `json:"top_k,omitempty"`
	TopP          *float64 `json:"top_p,omitempty"`
	MinP          *float64 `json:"min_p,omitempty"`
	RepeatPenalty *float64 `json:"repeat_penalty,omitempty"`
	Seed          *int64   `json:"seed,omitempty"`
	Stop          []string `json:"stop,omitempty"`
	IgnoreEOS     bool     `json:"ignore_eos,omitempty"`
	// NoContinue: an answer that loses its worker fails, instead of going on with another.
	NoContinue bool `json:"no_continue,omitempty"`

	Context    *int64 `json:"context,omitempty"`     // tokens; nil = min(trained, 4096)
	Threads    *int64 `json:"threads,omitempty"`     // nil = the engine's rule
	Backend    string `json:"backend,omitempty"`     // cpu, cuda, vulkan, metal; "" = the best that the model fits
	Device     string `json:"device,omitempty"`      // "cuda:1", or "1" of the backend
	GPULayers  *int64 `json:"gpu_layers,omitempty"`  // layers on the GPU; nil = all
	Worker     string `json:"worker,omitempty"`      // the kind of worker; "" = llama.cpp
	DeadlineMS *int64 `json:"deadline_ms,omitempty"` // time left for the whole answer
	GraceMS    *int64 `json:"grace_ms,omitempty"`    // what a worker gets that must be stopped for this request

	// KeepAlive is how long its worker stays loaded after it; nil = what the daemon's configuration says.
	KeepAlive *KeepAlive `json:"keep_alive,omitempty"`

	Traceparent string `json:"traceparent,omitempty"` // W3C trace context
	WantSpans   bool   `json:"want_spans,omitempty"`  // send the request's spans after the terminal event
}

// Message is one turn of a chat; Role is system, user or assistant.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}
