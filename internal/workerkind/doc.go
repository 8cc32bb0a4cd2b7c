// Package workerkind is the catalogue of the kinds of workers that a hive can start.
//
// A kind is a program beside rbee-hive whose name begins with llm-worker-. The one that every installation has is
// llm-worker-rbee, of the kind "llama.cpp"; a request names another one with --worker. What such a program must do:
//
//	PROGRAM kind      print one line of JSON, a Kind, and exit 0 (5 s are allowed)
//	PROGRAM detect    print {"engine", "release", "devices": [...]}, the CPU first, as package engine has them
//	PROGRAM           be a worker: read supervisor.Boot from its stdin, load what it names, serve
//
// The third is the whole contract between a hive and its worker, and it is not about this package: the link of package
// supervisor (magic and nonce, Hello, then yamux on stdin and stdout, stderr for the log) and the messages of package
// messages (Loading, Loaded or LoadFailed; Generate, Credit and Cancel in; Accepted, Prefill, Tokens, Done or Failed,
// Released out; Shutdown, Stopping, Stopped). In Go all of it is one call: worker.Run with an engine.Engine, the
// interface of package engine, whose contract suite (enginetest.Contract) tells whether it is one. A binding with a
// dependency that this module should not have is a module of its own whose path is below rbee/, so that it may import
// those packages; a test in package treetest builds such a one and asks it.
//
// A worker is of the same build as its hive or the hive refuses it (VERSION_MISMATCH): the messages have no other
// version. So an adapter is built with the ldflags of `make build`.
//
// Limits: a node gets the programs of its bundle, and that has llm-worker-rbee only. Another kind is one of the machine
// where its program was put by hand.
package workerkind
