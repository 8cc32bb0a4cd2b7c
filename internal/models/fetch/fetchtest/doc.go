// Package fetchtest is a model hub for tests: real HTTP servers on loopback that speak as much of the Hugging Face
// API as a download needs, and misbehave on demand.
//
// Like the real one it is two hosts: the hub, which knows the names and digests, and a store, which its redirects
// lead to and which has the bytes. Every request is recorded, so that a test can ask what was sent to whom. A
// Fault says which requests go wrong and how often; without one everything is right.
package fetchtest
