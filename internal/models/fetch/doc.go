// Package fetch downloads models from the Hugging Face hub, or from anything that speaks its API.
//
// A fetch has two steps. The plan (plan.go) asks the hub: which commit is the branch main now, which files are in
// it, how large are they and what is the SHA-256 digest of each; it picks the file that the reference names, or
// refuses. The download (download.go) then brings those files and no others: everything is asked for by the
// commit, and a file is known by its digest, so what is resumed can never be mixed with another version.
//
// A file comes in segments, several at a time, into <file>.partial; <file>.partial.json (state.go) remembers how
// far each segment is, so that a fetch cut off by anything, SIGKILL included, goes on where it was. While it comes
// it is hashed (hash.go); the file gets its name only when the digest is the hub's.
//
// However many ask for a model, it is fetched once per node: within a process the others watch the same download
// (flight.go), another process waits at a lock file (lock.go). A download that nobody waits for any more stops,
// and keeps its partial file.
//
// Nothing the hub says touches a path before it was checked (name.go), and nothing is opened but through os.Root.
// The token goes to the hub's own host only (client.go).
package fetch
