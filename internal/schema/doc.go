// Package schema turns a JSON Schema into a grammar (GBNF, llama.cpp's dialect) of which every sentence is JSON that
// fits the schema. A keyword that it cannot hold the answer to is an error, never ignored.
package schema

import "encoding/json"

// Grammar returns the grammar of a schema. Errors are INVALID_REQUEST faults that name the place in the schema.
func Grammar(raw json.RawMessage) (string, error) { return grammar(raw) }

// JSONObject returns the grammar of any JSON object: OpenAI's response_format "json_object".
func JSONObject() string {
	g, _ := grammar(json.RawMessage(`{"type":"object"}`))
	return g
}
