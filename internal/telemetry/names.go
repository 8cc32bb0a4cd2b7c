package telemetry

import "go.opentelemetry.io/otel/attribute"

// The spans of a command. A name says what is being waited for, never for whom: that is in the attributes.
const (
	SpanInfer        = "rbee infer" // the root: the whole command
	SpanStartQueen   = "start queen"
	SpanStartHive    = "start hive"
	SpanStartWorker  = "start worker"
	SpanConnect      = "connect" // to a queen that was already there
	SpanHTTP         = "http"    // the keeper's request, or the queen's answer to it
	SpanResolveModel = "resolve model"
	SpanLoadModel    = "load model"
	SpanQueue        = "queue"
	SpanPrefill      = "prefill"
	SpanDecode       = "decode"
	SpanStopQueen    = "stop queen"
	SpanStopHive     = "stop hive"
	SpanStopWorker   = "stop worker"
)

// EventFirstToken is the moment within SpanDecode at which the first piece of the answer was sent.
const EventFirstToken = "first token"

// Attributes of our own. Durations are milliseconds, sizes bytes. No prompt and no token text is ever an attribute.
const (
	AttrRunID      = attribute.Key("rbee.run.id")
	AttrNode       = attribute.Key("rbee.node")
	AttrRequestID  = attribute.Key("rbee.request.id")
	AttrAttempt    = attribute.Key("rbee.request.attempt") // 2 after a retry
	AttrModelRef   = attribute.Key("rbee.model.ref")
	AttrModelPath  = attribute.Key("rbee.model.path")
	AttrModelBytes = attribute.Key("rbee.model.size")
	AttrBackend    = attribute.Key("rbee.backend")
	AttrDevice     = attribute.Key("rbee.device")
	AttrReused     = attribute.Key("rbee.worker.reused") // bool: the model was loaded before

	AttrPromptTokens     = attribute.Key("rbee.tokens.prompt")
	AttrCompletionTokens = attribute.Key("rbee.tokens.completion")
	AttrFinishReason     = attribute.Key("rbee.finish_reason")
	AttrErrorCode        = attribute.Key("rbee.error.code") // a fault.Code

	AttrProcess  = attribute.Key("rbee.process")     // the program a start or stop span is about
	AttrAddress  = attribute.Key("rbee.address")     // its life
	AttrChildPID = attribute.Key("rbee.process.pid") // its pid; the recorder's own is the resource's process.pid

	AttrCause       = attribute.Key("rbee.stop.cause")  // as ProcessEnd.cause
	AttrForced      = attribute.Key("rbee.stop.forced") // bool: SIGKILL was needed
	AttrUnproven    = attribute.Key("rbee.stop.unproven")
	AttrGrace       = attribute.Key("rbee.stop.grace_ms")      // what it was given
	AttrGraceUsed   = attribute.Key("rbee.stop.grace_used_ms") // what it needed of that
	AttrStoppedMany = attribute.Key("rbee.stop.processes")     // processes below that ended with it

	AttrOutcome = attribute.Key("rbee.cleanup.outcome") // clean, forced, unproven
)
