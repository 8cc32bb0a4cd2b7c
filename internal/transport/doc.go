// Package transport carries everything that one process of the tree says to another.
//
// There is one byte stream between an owner and its child: the child's stdin and stdout. It begins with a
// handshake (magic, nonce, one frame each way); then it is a yamux session. Every yamux stream starts with a
// preamble that says which service it wants, for whom it is, and from whom. A process that is not the target joins
// the stream to another one on the link that leads there, byte for byte: the middle of the tree sees no messages
// that are not its own.
//
// Addresses are paths of lives ("queen.1~hive-mac.7~worker-3.1"): the number is the life, and no address is used
// twice. So routing needs no table: the next hop is the link whose address is a prefix of the target, else up.
//
// Three services ride on it. ServiceActors is Proto.Actor's remote transport: gRPC over our streams, with no port
// that anybody else could use (doorbell.go) and with a check of every inbound envelope (policy.go). ServiceAPI is
// HTTP to the queen, ServiceLoans HTTP from a hive to its queen for what it lends, models above all.
package transport
