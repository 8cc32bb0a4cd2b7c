// Package api is rbee's own HTTP interface as data: the JSON types, their limits, how they look on the wire, and a
// client.
//
// One request is one POST whose response is a stream of server-sent events:
//
//	POST   /rbee/v1/generate       one completion; answers text/event-stream
//	DELETE /rbee/v1/requests/{id}  cancels one; 204, or 404 if no such request is running
//	GET    /rbee/v1/workers        what the registry holds
//	GET    /rbee/v1/version        which queen this is
//	GET    /healthz                200 while work is taken
//
// Events come in this order: any number of narration, accepted, prefill and token; then exactly one done or error,
// the terminal event; then spans if they were asked for; then the end of the body. A body that ends before its
// terminal event was cut: the answer is incomplete. A failure before the first event is an ordinary HTTP response
// with the status of its code and {"error":{"code","message","hint","details"}}.
//
// The same interface is served on the keeper's private link and on a daemon's unix socket; the client gets an
// *http.Client that knows how to reach one of them and never sees the difference. The host part of its URLs is
// always "queen".
package api
