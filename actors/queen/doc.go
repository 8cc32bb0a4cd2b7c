// Package queen is the actor that owns the hives: it brings requests to nodes, keeps the registry of all workers,
// and ends everything when it is told to.
//
// A client's request becomes a stream: an actor with an unguessable name ("stream/<128 bits>") that the worker
// answers directly, past the mailboxes of hive and queen. The stream decides about a retry, because only it knows
// whether the client has seen a token, and it settles the request exactly once.
package queen
