// Package llamacpp is the engine that computes with llama.cpp, called through its shared libraries without cgo.
//
// A loaded model has one context, and one goroutine, locked to its thread, that makes every call on it: the loop.
// The loop knows the running generations as sequences; a sequence is a list of tokens and the number of them that
// the context's memory holds already (fed). Each step gathers the next token of every sequence that is answering
// and a chunk of those still reading their prompt, decodes them together, and samples for each sequence that has
// reached its end. Requests join and leave between steps. Everything else follows from that picture:
//
//   - prefill and decode are the same act, feeding what is not fed yet;
//   - a step that was aborted, because one of its sequences was cancelled, is undone and done again without it;
//   - a slot keeps what its last user fed; who begins alike joins with fed > 0, there or, after a copy, in another slot
//     (slot.go);
//   - an answer that was begun elsewhere joins with more tokens than its prompt (resume.go).
//
// Sequences that read their prompts take turns with the chunk. Embeddings are computed in a context of their own, whose
// chunks the loop makes between its steps (embed.go).
//
// Native code cannot be interrupted, only asked: llama.cpp looks at an abort flag between the operations of a
// step. A chunk is kept small (see chunkCPU) so that one operation takes a few milliseconds and a cancel is
// answered within 50.
//
// What the caller does with its tokens happens on the caller's goroutine. A caller that falls behind is left out
// of the steps until it has caught up; the others do not notice.
package llamacpp
