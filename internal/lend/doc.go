// Package lend is what a queen lends its hives on other machines: copies of its machine's models, and its access to the
// hub.
//
// A hive that needs one of them asks for it, over a stream of the link to its queen: HTTP, so that a file comes in ranges
// and can be gone on with. Nothing is sent ahead: a token travels only when the hub has refused to answer without, and a
// model's digest is computed only when a node lacks the model.
//
// A loan is granted with a request that may need it, under a random name that the request carries. It serves one life of
// one hive; who asks is vouched for by the transport, not by what it says. It ends with that life.
package lend
