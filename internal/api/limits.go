package api

// What a request may hold. The limits keep one client from filling the queen's memory; none should be met by
// somebody who means well.
const (
	MaxBodyBytes  = 8 << 20 // the JSON of one request
	MaxTextBytes  = 4 << 20 // prompt, system and messages together: about a million tokens
	MaxMessages   = 4096
	MaxStops      = 16
	MaxStopBytes  = 256
	MaxNameBytes  = 4096 // a model reference or a path
	MaxNodeBytes  = 255  // of one node's name
	MaxNodes      = 64   // in one request
	MaxIDBytes    = 64
	MaxTokens     = 1 << 30
	MaxTopK       = 1_000_000
	MaxPenalty    = 10
	MaxContext    = 1 << 24
	MaxThreads    = 512 // what ggml takes
	MaxSlots      = 1024
	MaxGPULayers  = 1 << 20
	MaxDeadlineMS = 7 * 24 * 3600 * 1000
	MaxGraceMS    = 10 * 60 * 1000

	// MaxSeed is one less than a uint32 holds: llama.cpp reads 0xFFFFFFFF as "choose one yourself", and then the
	// seed that is shown would not be the one that was used.
	MaxSeed = 1<<32 - 2
)

// What the queen fills in where a request is silent. They are llama.cpp's own, but for the temperature.
const (
	DefaultTemperature   = 0.7
	DefaultTopK          = 40
	DefaultTopP          = 0.95
	DefaultMinP          = 0.05
	DefaultRepeatPenalty = 1 // off
	DefaultGraceMS       = 5000
	DefaultNode          = "localhost"
)
