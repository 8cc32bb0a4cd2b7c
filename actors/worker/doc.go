// Package worker is the actor that runs one model in one process.
//
// The model is loaded by [Load] as soon as the process knows which one, before there is an actor system; the actor
// takes over when both are there. Each request runs in a goroutine of its own inside the engine, and its tokens go
// straight to the reply stream that asked, wherever in the tree that lives. A worker is one-shot: it never loads a
// second model, and whatever goes wrong with it is cured by another process.
package worker
