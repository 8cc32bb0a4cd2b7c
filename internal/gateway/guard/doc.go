// Package guard stands before the API: it says who may ask, what for, and how much of it.
//
// A queen has doors. The unix socket is one: whoever may open it is the user, and nothing is checked but what a key
// says if one is shown. A loopback address is another: any program of this machine reaches it, and through a browser
// any web page could, so the Host and Origin of a request are checked there. Any other address is the third: it needs
// a key as well. Which door a request came through is a property of its listener, never of what the request says.
//
// Behind the door: readiness and metrics, then a key's limits, then the API. A Meter around the Backend sees what
// every request used, whichever route it came by, and charges it to its key.
package guard
