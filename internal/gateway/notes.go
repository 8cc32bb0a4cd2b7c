package gateway

// notes is what the document says of a route beyond its summary.
var notes = map[string]string{
	"POST /v1/chat/completions": goesOn,
	"POST /v1/completions":      goesOn,
}

// goesOn is about openai.Moved.
const goesOn = `An answer whose worker is lost goes on with another one, in the same stream. Its choice says so then: the last chunk of a ` +
	`stream and the choice of a whole response have "rbee": {"continued": how often, "worker": the address of the one that ended it, "node": where that is}. ` +
	`A stream says it in a comment, too, at the moment when it happens. An answer that nothing happened to has no such field.`
