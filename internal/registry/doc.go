// Package registry is what a queen knows of all workers and a hive of its own: one row for each living worker,
// in memory only. A row is a *messages.WorkerState.
//
// The model: a registry is a set of nodes, a node is a short list of rows sorted by address. The list is never
// changed once it can be seen; a writer builds the next one and swaps a pointer. So a reader takes no lock, never
// waits for a writer, and sees each node as it was at one moment. A write copies the rows' pointers of one node
// (some eight of them), however many nodes there are; only the first row of a new node and the removal of a node
// copy the table of nodes.
//
// Rows that come out of a registry are shared with every other reader: look, do not change. Rows that go in are
// copied, so the caller may go on using its own.
//
// An address belongs to one worker on one node and is never used again; a row that claims the address of another
// node's worker is refused, so one hive cannot speak for another.
package registry
