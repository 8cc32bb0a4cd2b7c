// Package enginetest has what tests of and with engines need: a Fake that behaves as badly as native code can, told
// by a script, and the Contract that every engine passes.
//
// The Fake is complete: slots, prefill with progress, decode at a rate, limits, stop strings, cancel, grammars, log
// probabilities, embeddings, answers that go on after another worker's. And cruel:
// at any of its steps it can hang without looking at its context, fail, exit, or die of a signal. It needs no
// libraries and no model file (any file that exists will do), so a worker process can be driven through every kind
// of death from one environment variable:
//
//	RBEE_FAKE_ENGINE="tokens=50,rate=100,hang=decode@3" fake-worker
package enginetest
