// Package gateway serves rbee's HTTP interface (package api) over a Backend.
//
// The handler turns a request into a messages.Generate, gives it to the backend and writes the events that come
// back. It is the same for an ephemeral queen, where it is served on the keeper's link, and for a daemon, where it
// is served on a unix socket.
//
// Three things are its own business. It checks every field, because whoever can reach it may send anything. It
// decides when bytes leave: what has arrived is written with one flush, so the first token goes out at once and a
// slow client gets bigger pieces instead of more of them; only what was flushed is reported back as credit, so a
// worker never runs far ahead of the client. And it notices a client that went away, and cancels.
package gateway
