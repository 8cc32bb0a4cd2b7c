// Package place decides where a request goes. It is a pure function of what is known (a View) and what is asked
// (a Request): no clock, no actor, no I/O, so every rule is a line in a table of tests.
//
// The rules, in order, among the nodes the request allows:
//
//  1. a worker that holds the model and has a free slot is used;
//  2. a worker that is still loading the model and has a slot not yet promised is waited for: two loads of one
//     model cost more than a wait for the first;
//  3. a node with room starts a worker: one that has the model's file before one that would have to fetch it,
//     then the one with most free memory;
//  4. a request that cannot start anything waits, if something it could wait for exists and the queue has room;
//  5. otherwise it is rejected, with the reason of the node that was nearest to taking it.
//
// The same function serves a queen, which sees many nodes, and a hive, which sees its own.
package place
