// Package keys is who may use a daemon over the network: API keys, what each may do, and the file they are kept in.
//
// A key is shown once, when it is made; the file holds its SHA-256. (A key is 260 random bits and nobody's choice, so
// a slow hash would protect nothing: there is no list of likely keys to try.) The file is JSON, a few hundred bytes a
// key, 0600 and replaced as a whole; a daemon notices the change by itself.
//
// Parse, Set and Bearer are pure; Edit touches the disk.
package keys
